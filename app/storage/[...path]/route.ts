import { receivePart, sendObject } from "#lib/http/disk-objects.ts";
import { answering, type RouteContext, type RouteHandler } from "#lib/http/route.ts";

const onObject =
  (answer: (request: Request, key: string) => Promise<Response>): RouteHandler =>
  (request, context) =>
    answering(request, "/storage/{key}", async () => answer(request, await keyOf(context)));

/** The addresses that the disk store signs; who holds one may use it, and nobody else. */
export const PUT = onObject(receivePart);
export const GET = onObject(sendObject);
export const HEAD = onObject(sendObject);

async function keyOf(context: RouteContext): Promise<string> {
  const { path } = await context.params;
  return Array.isArray(path) ? path.join("/") : "";
}
