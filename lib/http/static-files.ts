import type { IncomingMessage, ServerResponse } from "node:http";
import sirv from "sirv";

/** What the pages load by name: each name has the hash of its content in it, so that a browser keeps it for ever. */
const PREFIX = "/_next/static/";

/**
 * Serves what was built, compressed once with brotli where the browser takes that (see workers/setup/build.ts). Next compresses anew at each
 * request, with gzip: 135 kB of scripts instead of 115.
 *
 * @param folder `.next/static`
 * @returns false for everything else
 */
export function staticFiles(folder: string): (request: IncomingMessage, response: ServerResponse) => boolean {
  const serve = sirv(folder, { brotli: true, immutable: true, maxAge: 365 * 86_400, etag: true });
  return (request, response) => {
    if (!request.url?.startsWith(PREFIX)) return false;
    request.url = request.url.slice(PREFIX.length - 1);
    response.setHeader("X-Content-Type-Options", "nosniff");
    serve(request, response, () => void response.writeHead(404).end());
    return true;
  };
}
