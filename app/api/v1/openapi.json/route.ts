import { env } from "#lib/env.ts";
import { toOpenApi } from "#lib/http/openapi.ts";
import { operations } from "#lib/http/operations/all.ts";
import { getOpenApi } from "#lib/http/operations/hub.ts";
import { route } from "#lib/http/route.ts";

let text: string | undefined; // a tenth of a second of work, and always the same

export const GET = route(getOpenApi, async () => {
  text ??= JSON.stringify(toOpenApi(operations, env().publicUrl));
  return new Response(text, { headers: { "Content-Type": "application/json" } });
});
