import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

// Answers everything with a few bytes: what Node itself can do.

const body = JSON.stringify({ alive: true, version: "0.0.0" });
const server = createServer((_request, response) =>
  response.writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-store" }).end(body),
);
server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit(0));
