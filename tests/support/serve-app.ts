import { fileURLToPath } from "node:url";
import type { RouteHandler } from "#lib/http/route.ts";
import { serve, type Served } from "./serve.ts";
import { routeFiles } from "./route-files.ts";

const root = fileURLToPath(new URL("../../app", import.meta.url));

/** Our route handlers behind a real HTTP server, found by their folders as Next finds them. @param port 0: any that is free */
export async function serveApp(port = 0): Promise<Served> {
  const routes = routeFiles(root)
    .toSorted((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1))
    .map(toRoute);
  return serve(async (request) => {
    const path = new URL(request.url).pathname;
    for (const { pattern, file } of routes) {
      const match = pattern.exec(path);
      if (!match) continue;
      const handler = ((await import(`${root}/${file}`)) as Record<string, RouteHandler>)[request.method];
      if (!handler) return new Response(null, { status: 405 });
      const params = Object.fromEntries(
        Object.entries(match.groups ?? {}).map(([name, value]) =>
          name.endsWith("_all")
            ? [name.slice(0, -4), value.split("/").map(decodeURIComponent)]
            : [name, decodeURIComponent(value)],
        ),
      );
      return handler(request, { params: Promise.resolve(params) });
    }
    return new Response(null, { status: 404 });
  }, port);
}

/** As Next tries them: at the first place where two differ a word comes before a name, and a name before all that is left. */
const rankOf = (file: string): string =>
  file
    .split("/")
    .map((segment) => (segment.startsWith("[...") ? "2" : segment.startsWith("[") ? "1" : "0"))
    .join("");

function toRoute(file: string): { file: string; pattern: RegExp } {
  const segments = file
    .split("/")
    .slice(0, -1)
    .map((segment) => segment.replace(/^\[\.\.\.(\w+)\]$/, "(?<$1_all>.+)").replace(/^\[(\w+)\]$/, "(?<$1>[^/]+)"));
  return { file, pattern: new RegExp(`^/${segments.join("/")}$`) };
}
