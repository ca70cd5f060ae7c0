import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { lookIntoSource } from "#lib/inspection/inspect-file.ts";
import { openUrl } from "#lib/weights/http-source.ts";
import { layOut } from "../../../bench/random-weights.ts";
import { sdxlShapes } from "../../../bench/synthetic-sdxl.ts";
import { guidepost } from "../../support/cli.ts";

let server: Server;
afterEach(() => void server.close().closeAllConnections());

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/model.safetensors?key=secret`;
}

/** A file of which only the beginning is kept; zeros follow it. */
const ranges =
  (begins: Buffer, size: number, sent: { bytes: number } = { bytes: 0 }) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "")!.map(Number) as [
      number,
      number,
      number,
    ];
    const last = Math.min(to, size - 1);
    const body = Buffer.alloc(last - from + 1);
    begins.subarray(from).copy(body);
    sent.bytes += body.length;
    response.writeHead(206, { "Content-Range": `bytes ${from}-${last}/${size}`, "Content-Length": body.length });
    response.end(body);
  };

test("of a file of 7 GB the header alone is read, and all is known", async () => {
  const { header, size } = layOut(sdxlShapes(), new Map());
  const sent = { bytes: 0 };
  const url = await serve(ranges(header, size, sent));
  const { inspection, model } = await lookIntoSource(await openUrl(url));
  expect(inspection).toMatchObject({
    name: "model.safetensors",
    kind: "single-file checkpoint",
    families: ["SDXL"],
    weightsFitConfig: true,
    runs: true,
  });
  expect(model?.unet.weights.parameters).toBe(2_567_463_684);
  expect(size).toBeGreaterThan(6.9e9);
  expect(sent.bytes).toBeLessThan(header.length + 2 ** 17 + 1);
});

test("a short file is asked for once", async () => {
  const { header, size } = layOut(new Map([["a", [3]]]), new Map());
  let requests = 0;
  const url = await serve((request, response) => {
    requests++;
    ranges(header, size)(request, response);
  });
  const source = await openUrl(url);
  expect(source.size).toBe(size);
  expect(Buffer.from(await source.read(0, size)).subarray(0, header.length)).toEqual(header);
  expect(Buffer.from(await source.read(8, 20))).toEqual(header.subarray(8, 20));
  expect(requests).toBe(1);
  await expect(source.read(0, size + 1)).rejects.toMatchObject({ code: "malformed_weights" });
});

test("redirects are followed", async () => {
  const { header, size } = layOut(new Map([["a", [3]]]), new Map());
  const url = await serve((request, response) => {
    if (request.url === "/there") ranges(header, size)(request, response);
    else response.writeHead(302, { Location: "/there" }).end();
  });
  expect((await openUrl(url)).size).toBe(size);
});

const answers: [what: string, code: string, sentence: RegExp, listener: RequestListener][] = [
  ["nothing there", "file_not_found", /does not exist \(404\)/, (_, response) => response.writeHead(404).end()],
  ["a sign-in", "bad_request", /without signing in \(401\)/, (_, response) => response.writeHead(401).end()],
  ["whole files only", "bad_request", /sends whole files only/, (_, response) => response.writeHead(200).end("all")],
  [
    "another range",
    "bad_request",
    /answered 206 where/,
    (_, response) => response.writeHead(206, { "Content-Range": "bytes 5-9/10" }).end("56789"),
  ],
  [
    "more than it announced",
    "bad_request",
    /sent other bytes than it announced/,
    (_, response) => response.writeHead(206, { "Content-Range": "bytes 0-2/3" }).end("0123456789"),
  ],
  ["an end", "bad_request", /cannot be reached/, (request) => request.socket.destroy()],
];
test.each(answers)("%s is said", async (_what, code, sentence, listener) => {
  const url = await serve(listener);
  const failure: unknown = await openUrl(url).catch((cause: unknown) => cause);
  expect(failure).toMatchObject({ code, message: expect.stringMatching(sentence) });
  expect(String(failure)).not.toContain("secret");
});

test("a file that changes meanwhile is not mixed", async () => {
  const { header, size } = layOut(new Map([["a", [300_000]]]), new Map());
  let grown = 0;
  const url = await serve((request, response) => ranges(header, size + grown)(request, response));
  const source = await openUrl(url);
  grown = 8;
  await expect(source.read(2 ** 17, 2 ** 17 + 8)).rejects.toThrow(/changed while it was read/);
});

test("the command line takes an address", async () => {
  const { header, size } = layOut(sdxlShapes(), new Map());
  const url = await serve(ranges(header, size));
  const { code, stdout } = await guidepost("inspect", url);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^runs +sample and check run it$/m)]);
  expect(await guidepost("inspect", "https://")).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/no address/),
  });
});
