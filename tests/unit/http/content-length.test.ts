import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { disguiseContentLength, restoreContentLength } from "#lib/http/content-length.ts";

test("a length that Next would leave out reaches the client, for GET and HEAD", async () => {
  const server = createServer((request, response) => {
    restoreContentLength(response);
    const headers = new Headers({ "Content-Length": "5", "X-Other": "kept" });
    disguiseContentLength(headers);
    headers.delete("Content-Length"); // as Next does
    for (const [name, value] of headers) response.setHeader(name, [value]);
    response.end(request.method === "GET" ? "hello" : undefined);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  for (const method of ["GET", "HEAD"]) {
    const { headers } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { method });
    expect([
      headers.get("content-length"),
      headers.get("transfer-encoding"),
      headers.get("x-content-length"),
      headers.get("x-other"),
    ]).toEqual(["5", null, null, "kept"]);
  }
  server.closeAllConnections();
  server.close();
});
