import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { globSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import next from "next";
import { env } from "#lib/env.ts";
import { replaceFailedPage } from "#lib/http/failed-page.ts";
import { restoreContentLength } from "#lib/http/content-length.ts";
import { forwardedBy, trustOf } from "#lib/http/forwarded.ts";
import { refuseAtDoor } from "#lib/http/front-door.ts";
import { InTurn } from "#lib/http/in-turn.ts";
import { pagePolicy } from "#lib/http/page-policy.ts";
import { watchSlowClients } from "#lib/http/slow-clients.ts";
import { staticFiles } from "#lib/http/static-files.ts";
import { answerUnreadable } from "#lib/http/unreadable.ts";
import { log } from "#lib/log.ts";
import { queue } from "#lib/queue/boss.ts";

/**
 * The web process: Next behind a server of our own, which can do what `next start` cannot: let what runs finish when it is
 * stopped, take uploads that last longer than five minutes, and leave with the process that started it.
 */
const DRAIN_MS = 10_000;
const SILENT_MS = 5 * 60_000; // a client that is gone without a word must not keep its connection and its half part for ever

const { port, host, s3, trustedProxies } = env();
const isProxy = trustOf(trustedProxies);
const settleForwarded = forwardedBy(isProxy);
const root = new URL("../../", import.meta.url);
const app = next({ dev: false, dir: fileURLToPath(root), hostname: host, port });
await app.prepare();
// A queue that is opened within a transaction would be newer than what that can see.
await queue().catch((cause: unknown) =>
  log().warn({ event: "queue.late", err: cause }, "the database is away; the queue is opened when it is back"),
);
const handle = app.getRequestHandler();
const built = fileURLToPath(new URL(".next/static", root));
const sendStatic = staticFiles(built);
const stylesheets = globSync("**/*.css", { cwd: built }).map((name) => `/_next/static/${name}`);

const server = createServer(
  {
    requestTimeout: 0, // a part may take long; watchSlowClients sees to it that it gets on
    headersTimeout: 20_000,
    connectionsCheckingInterval: 5_000,
    keepAliveTimeout: 65_000,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
  },
  (request, response) => {
    if (sendStatic(request, response)) return;
    settleForwarded(request);
    const address = String(request.headers["x-forwarded-for"]);
    if (!admit(request, response, address) || refuseAtDoor(request, response)) return;
    restoreContentLength(response);
    guardPage(request, response);
    replaceFailedPage(request, response, stylesheets);
    inTurn.take(request, response, address, () => void handle(request, response));
  },
);
const inTurn = new InTurn();
const admit = watchSlowClients(server, isProxy);
answerUnreadable(server);
server.setTimeout(SILENT_MS);
server.on("upgrade", (_request, socket) => socket.destroy()); // nothing here speaks anything but HTTP
server.listen(port, host);
await once(server, "listening");
log().info({ event: "web.ready", port }, `listening on ${host}:${port}`);
process.send?.({ type: "ready" });

/** Next marks its scripts with the nonce of the policy that it finds in the request: never one that came with it. */
function guardPage(request: IncomingMessage, response: ServerResponse): void {
  const policy = pagePolicy(request.url ?? "", s3, randomBytes(16).toString("base64"));
  delete request.headers["content-security-policy"];
  delete request.headers["content-security-policy-report-only"];
  if (policy === null) return;
  request.headers["content-security-policy"] = policy;
  response.setHeader("Content-Security-Policy", policy);
}

async function stop(): Promise<void> {
  server.close();
  server.closeIdleConnections();
  // Streams of events go on for ever by themselves; their clients come back to the next process.
  const patience = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await once(server, "close");
  clearTimeout(patience);
  process.exit(0);
}

let stopping = false;
const stopOnce = (): void => {
  if (!stopping) void stop();
  stopping = true;
};
process.on("SIGTERM", stopOnce);
process.on("SIGINT", process.connected ? () => {} : stopOnce); // Ctrl-C reaches the whole group; whoever started us says when
process.on("disconnect", () => process.exit(0));
