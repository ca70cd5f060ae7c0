import { once } from "node:events";
import { createServer, request } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forwardedBy, trustOf } from "#lib/http/forwarded.ts";
import { refuseAtDoor } from "#lib/http/front-door.ts";
import { answerUnreadable } from "#lib/http/unreadable.ts";

const server = createServer((incoming, outgoing) => {
  if (!refuseAtDoor(incoming, outgoing)) outgoing.end("let in");
});
answerUnreadable(server);
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => void server.close());

const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
  new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
      let text = "";
      response.on("data", (bytes: Buffer) => (text += bytes.toString()));
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    })
      .on("error", reject)
      .end();
  });

describe("at the door", () => {
  test.each(["/%ff", "/%", "/a%zz", "/%00", "/a/%ed%a0%80/b", "/%c0%af", "http://evil.example/", "*"])(
    "the address %s is refused with 400",
    async (path) => {
      const { status, headers, text } = await ask("GET", path);
      expect(status).toBe(400);
      expect(headers["x-request-id"]).toBeTruthy();
      expect(JSON.parse(text)).toMatchObject({ code: "bad_request", requestId: headers["x-request-id"] });
    },
  );

  test.each([
    ["/_global-error", {}, 404, "not_found", /no such page/],
    ["/_global%2Derror.rsc", {}, 404, "not_found", /no such page/],
    [`/?${"a=b&".repeat(200)}`, {}, 400, "bad_request", /more than 200 fields/],
    [`/browse?q=${"a".repeat(8000)}`, {}, 400, "bad_request", /longer than 8000 characters/],
    ["/", { cookie: "a=b;".repeat(200) }, 400, "bad_request", /more than 200 cookies/],
  ])("what would be dear or bare is refused: %.20s", async (path, headers, status, code, says) => {
    const answer = await ask("GET", path, headers as Record<string, string>);
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      status,
      { code, error: expect.stringMatching(says) },
    ]);
  });

  test.each(["TRACE", "PROPFIND", "LOCK", "PURGE"])("the method %s is refused with 405", async (method) => {
    const { status, headers } = await ask(method, "/");
    expect(status).toBe(405);
    expect(headers.allow).toBe("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  });

  test.each([
    "/",
    "/a%20b",
    "/%F0%9F%8D%84",
    "/browse?q=%ff",
    "/a/b/resolve/refs%2Fpr%2F1/x",
    "//",
    "/a;b",
    `/?${"a&".repeat(199)}`,
  ])("the address %s is let in", async (path) =>
    expect(await ask("GET", path)).toMatchObject({ status: 200, text: "let in" }),
  );

  test("a browser is told in a sentence, and a HEAD without a body", async () => {
    const page = await ask("GET", "/%ff", { accept: "text/html,*/*" });
    expect(page.headers["content-type"]).toMatch(/^text\/plain/);
    expect(page.text).toMatch(/^The address holds an escape/);
    expect((await ask("HEAD", "/%ff")).text).toBe("");
  });

  test("a body that came along is no next request, and its client is answered and may ask again", async () => {
    const said = await says((socket) => {
      const body = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
      socket.write(`POST /%ff HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      socket.write("GET /again HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    });
    expect(said.match(/^HTTP\/1\.1 \d+/gm)).toEqual(["HTTP/1.1 400", "HTTP/1.1 200"]);
  });

  test.each([
    [
      "an address beyond ASCII",
      "GET /\xff HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n",
      400,
      "percent signs",
    ],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 3000000\r\n\r\n",
      400,
      "not HTTP",
    ],
    ["no HTTP", "hello\r\n\r\n", 400, "not HTTP"],
    ["headers without end", `GET / HTTP/1.1\r\nHost: x\r\n${"a: b\r\n".repeat(9000)}`, 431, "16 kB"],
  ])("%s is answered, also while its client still sends", async (_name, head, status, words) => {
    const said = await says((socket) => {
      socket.write(Buffer.from(head, "latin1"));
      socket.write(Buffer.alloc(3_000_000, "a"));
    });
    expect(said).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(said.match(/^HTTP\//gm)).toHaveLength(1);
    expect(said).toContain(words);
  });
});

/** All that the server says to what is sent, until it closes the connection; a reset is a failure. */
async function says(send: (socket: Socket) => void): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  let said = "";
  socket.on("data", (bytes: Buffer) => (said += bytes.toString()));
  send(socket);
  await once(socket, "end");
  socket.destroy();
  return said;
}

describe("where a request came from", () => {
  const from = (proxies: string[], peer: string, said?: string) => {
    const incoming = {
      headers: {
        ...(said !== undefined && { "x-forwarded-for": said }),
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "gopher",
        forwarded: "for=1.2.3.4",
        "x-real-ip": "1.2.3.4",
      } as Record<string, string>,
      socket: { remoteAddress: peer },
      connection: { remoteAddress: peer },
    };
    forwardedBy(trustOf(proxies))(incoming as never);
    expect(Object.keys(incoming.headers)).toEqual(["x-forwarded-for"]);
    return incoming.headers["x-forwarded-for"];
  };

  test("is who opened the connection, whatever it says, where no proxy is trusted", () => {
    for (const peer of ["127.0.0.1", "10.0.0.5", "192.168.1.1", "203.0.113.9", "::1", "fd00::1"])
      expect(from([], peer, "198.51.100.7")).toBe(peer);
  });

  test("is what a trusted proxy says, and nothing that came to it from further away", () => {
    expect(from(["10.0.0.0/8"], "10.0.0.5", "198.51.100.7")).toBe("198.51.100.7");
    expect(from(["10.0.0.0/8"], "10.0.0.5", "1.1.1.1, 198.51.100.7")).toBe("198.51.100.7");
    expect(from(["10.0.0.0/8"], "10.0.0.5", "1.1.1.1, 198.51.100.7, 10.1.1.1")).toBe("198.51.100.7");
    expect(from(["loopback"], "::ffff:127.0.0.1", "198.51.100.7")).toBe("198.51.100.7");
    expect(from(["10.0.0.0/8"], "10.0.0.5")).toBe("10.0.0.5");
    expect(from(["10.0.0.0/8"], "203.0.113.9", "198.51.100.7")).toBe("203.0.113.9");
  });

  test("is the proxy itself where that says nonsense", () => {
    for (const nonsense of ["unknown", "\xff", "a,b,c", "", ",,,"])
      expect(from(["loopback"], "127.0.0.1", nonsense)).toMatch(/./);
  });
});
