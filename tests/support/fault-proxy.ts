import { once } from "node:events";
import { createServer, type IncomingMessage, request as send, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What happens to a request instead of passing through. */
export type Fault =
  /** It does not reach the server; S3's answer for `code` comes with that status. */
  | { readonly kind: "answer"; readonly status: number; readonly code: string }
  /** It does not reach the server, and its connection breaks. */
  | { readonly kind: "reset" }
  /** It does not reach the server, and nothing comes back. */
  | { readonly kind: "hang" }
  | { readonly kind: "delay"; readonly ms: number }
  /** The server does it; its answer is lost with the connection. */
  | { readonly kind: "loseAnswer" }
  /** The connection breaks, or goes silent, after so many bytes of the answer. */
  | { readonly kind: "cut" | "stall"; readonly after: number };

export interface Which {
  readonly method?: string;
  /** Of path and query. */
  readonly url?: RegExp;
  /** How many of them, from now on; one if nothing is said. */
  readonly times?: number;
}

export interface FaultProxy {
  readonly url: string;
  /** “METHOD /path?query” of each request that came. */
  readonly seen: readonly string[];
  inject(which: Which, fault: Fault): void;
  /** Takes back what has not happened yet. */
  clear(): void;
  /** Nobody answers at this address, until `comeBack`. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

/** Stands before a real HTTP server and does to it what networks do. Requests keep their Host header, so signatures hold when they were made for `url`. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const seen: string[] = [];
  let rules: { readonly which: Which; readonly fault: Fault; left: number }[] = [];
  let server = createServer();
  let port = 0;

  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    seen.push(`${incoming.method} ${incoming.url}`);
    const rule = rules.find(
      ({ which, left }) =>
        left > 0 && (which.method ?? incoming.method) === incoming.method && (which.url?.test(incoming.url!) ?? true),
    );
    if (rule) rule.left -= 1;
    void handle(target, rule?.fault ?? null, incoming, outgoing);
  };
  const listen = async (): Promise<void> => {
    server = createServer(onRequest).listen(port, "127.0.0.1");
    await once(server, "listening");
    ({ port } = server.address() as AddressInfo);
  };
  const goAway = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  await listen();
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    inject: (which, fault) => rules.push({ which, fault, left: which.times ?? 1 }),
    clear: () => (rules = []),
    goAway,
    comeBack: listen,
    close: goAway,
  };
}

async function handle(
  target: string,
  fault: Fault | null,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  if (fault?.kind === "reset") return void incoming.socket.resetAndDestroy();
  if (fault?.kind === "hang") return;
  if (fault?.kind === "answer") {
    incoming.resume();
    outgoing
      .writeHead(fault.status, { "Content-Type": "application/xml" })
      .end(
        `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${fault.code}</Code><Message>Injected.</Message></Error>`,
      );
    return;
  }
  if (fault?.kind === "delay") await sleep(fault.ms);
  const forwarded = send(new URL(incoming.url!, target), {
    method: incoming.method!,
    headers: incoming.headers,
    agent: false,
  });
  incoming.pipe(forwarded);
  outgoing.once("close", () => forwarded.destroy());
  forwarded.once("error", () => outgoing.destroy());
  forwarded.once("response", (answer) => {
    if (fault?.kind === "loseAnswer") return void incoming.socket.resetAndDestroy();
    outgoing.writeHead(answer.statusCode!, answer.headers);
    if (fault?.kind === "cut" || fault?.kind === "stall")
      void passSome(answer, outgoing, fault.after).then(() => fault.kind === "cut" && outgoing.destroy());
    else answer.pipe(outgoing);
  });
}

async function passSome(answer: IncomingMessage, outgoing: ServerResponse, bytes: number): Promise<void> {
  let left = bytes;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    outgoing.write(piece.subarray(0, left));
    left -= piece.length;
    if (left <= 0) return;
  }
}
