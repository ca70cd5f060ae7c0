import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type SlowLimits, watchSlowClients } from "#lib/http/slow-clients.ts";

const limits: SlowLimits = {
  windowMs: 400,
  windowBytes: 1000,
  smallBodyMs: 1500,
  unreadMs: 200,
  connectionsOfAddress: 6,
  bodiesOfAddress: 3,
  bodies: 100,
  lookEveryMs: 20,
};

let server: Server;
const sockets: Socket[] = [];
const timers: NodeJS.Timeout[] = [];

afterEach(async () => {
  timers.splice(0).forEach((timer) => clearInterval(timer));
  sockets.splice(0).forEach((socket) => socket.destroy());
  server.close();
  server.closeAllConnections();
  await once(server, "close");
});

type Handle = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Reads the whole body, then says how long it was. */
const count: Handle = async (request, response) => {
  let size = 0;
  try {
    for await (const piece of request) size += (piece as Uint8Array).byteLength;
    response.end(String(size));
  } catch {
    // its client is gone
  }
};

async function serve(handle: Handle, more: Partial<SlowLimits> = {}): Promise<void> {
  server = createServer({ requestTimeout: 0 }, (request, response) => {
    if (admit(request, response, request.socket.remoteAddress!)) void handle(request, response);
  });
  const admit = watchSlowClients(server, () => false, { ...limits, ...more });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}

interface Client {
  readonly socket: Socket;
  /** All that the server said, until it closed. */
  readonly said: Promise<string>;
  now(): string;
}

function open(text: string): Client {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  sockets.push(socket);
  let heard = "";
  socket.on("data", (data) => void (heard += String(data)));
  socket.on("error", () => {});
  socket.write(text);
  return { socket, said: once(socket, "close").then(() => heard), now: () => heard };
}

const put = (path: string, size: number, sent = ""): string =>
  `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n${sent}`;

/** Sends so much every 20 ms, and all in all no more than `most`. */
function drip({ socket }: Client, text: string, most = Infinity): void {
  let sent = 0;
  const timer = setInterval(() => {
    if (sent + text.length > most) return clearInterval(timer);
    sent += text.length;
    if (socket.writable) socket.write(text);
  }, 20);
  timers.push(timer);
}

test("a body that stands still, or comes by the byte, is given up in words", async () => {
  await serve(count);
  const [still, slow] = [open(put("/storage/a", 5000, "x")), open(put("/storage/b", 5000))];
  drip(slow, "x");
  for (const { said } of [still, slow]) {
    expect(await said).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(JSON.parse((await said).split("\r\n\r\n")[1]!)).toMatchObject({
      code: "too_slow",
      detail: { retryAfter: 2 },
    });
  }
});

test("one that gets on has all the time that it takes, if it is a file", async () => {
  await serve(count, { windowMs: 1000, windowBytes: 100 }); // of 10 000 that come in that time, where nothing holds them up
  const [file, form] = [open(put("/storage/a", 20_000)), open(put("/api/v1/x", 20_000))];
  for (const client of [file, form]) drip(client, "x".repeat(200), 20_000); // some 2 s
  expect(await form.said).toContain("408");
  await expect.poll(file.now).toMatch(/\r\n\r\n.*20000/s);
});

test("one that waits for us is not blamed for it", async () => {
  let begin = (): void => {};
  await serve((request, response) => {
    if (request.url === "/storage/now") return count(request, response);
    begin = () => void count(request, response);
  });
  const client = open(put("/storage/later", 200_000, "x".repeat(200_000)));
  await open(put("/storage/now", 5000, "x")).said; // stands still for a window, and is ended
  expect(client.socket.destroyed).toBe(false);
  begin();
  await expect.poll(client.now).toContain("200000");
});

test("what is left of a body after its answer is not waited for", async () => {
  await serve((_request, response) => response.end("no"));
  const client = open(put("/storage/a", 5000, "x"));
  expect(await client.said).toContain("no");
});

test("nor is a reader that takes nothing of its answer", async () => {
  let hasClosed = false;
  await serve((_request, response) => {
    response.on("close", () => (hasClosed = true));
    response.end(Buffer.alloc(64 * 2 ** 20));
  });
  open("GET / HTTP/1.1\r\nHost: x\r\n\r\n").socket.pause();
  await expect.poll(() => hasClosed).toBe(true);
});

test("an answer that is long in coming is waited for, and a stream that is silent", async () => {
  let answer = (): void => {};
  await serve((request, response) => {
    if (request.method === "PUT") return count(request, response);
    response.write(":\n\n");
    answer = () => response.end("at last");
  });
  const client = open("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const still = open(put("/storage/a", 5000, "x"));
  await still.said; // so long at least
  answer();
  await expect.poll(client.now).toContain("at last");
});

test("who sends nothing loses the place to who comes from the same address, and who sends does not", async () => {
  await serve(count, { windowMs: 60_000, smallBodyMs: 60_000 });
  const still = open(put("/storage/a", 5000, "x"));
  const busy = [open(put("/storage/b", 1e6)), open(put("/storage/c", 1e6))];
  for (const client of busy) drip(client, "x".repeat(100));
  const tooSoon = open(put("/storage/d", 1, "x"));
  expect(await tooSoon.said).toContain("429"); // nobody has been silent for long
  await expect
    .poll(
      async () => {
        const next = open(put("/storage/e", 1, "x"));
        await Promise.race([next.said, once(next.socket, "data")]);
        return next.now();
      },
      { interval: 200 },
    )
    .toContain("200 OK");
  expect(await still.said).toContain("429");
  for (const { socket } of busy) expect(socket.destroyed).toBe(false);
});

test("connections that do nothing lose their place to new ones of their address", async () => {
  await serve((_request, response) => response.end("yes"));
  const idle = Array.from({ length: 6 }, () => open(""));
  await Promise.all(idle.map(({ socket }) => once(socket, "connect")));
  await expect
    .poll(
      async () => {
        const next = open("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        return next.said;
      },
      { interval: 200 },
    )
    .toContain("yes");
  expect(idle.filter(({ socket }) => !socket.destroyed).length).toBeLessThan(6);
});
