import { createServer, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { InTurn } from "#lib/http/in-turn.ts";

// A server whose answers wait until the test lets them go.

const begun: { readonly who: string; readonly response: ServerResponse }[] = [];
const inTurn = new InTurn();
const closed: string[] = [];
const server = createServer((request, response) => {
  const who = request.headers.authorization ?? "nobody";
  response.once("close", () => closed.push(who));
  inTurn.take(request, response, "192.0.2.1", () => begun.push({ who, response }));
}).listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const ask = (who: string, path = "/", init: RequestInit = {}): Promise<number> =>
  fetch(url + path, { ...init, headers: { authorization: who } }).then(
    ({ status }) => status,
    () => 0,
  );
const count = (who: string): number => begun.filter((one) => one.who === who).length;
const answerOne = (who: string): void =>
  void begun.find((one) => one.who === who && !one.response.writableEnded)!.response.end();

test("of one client two are at work, the others follow each other, and nobody else waits for them", async () => {
  const eve = Array.from({ length: 20 }, () => ask("eve"));
  await expect.poll(() => count("eve")).toBe(2);
  const ben = ask("ben");
  await expect.poll(() => count("ben")).toBe(1);
  expect(count("eve")).toBe(2);
  answerOne("ben");
  expect(await ben).toBe(200);
  for (let done = 1; done <= 20; done++) {
    answerOne("eve");
    await expect.poll(() => count("eve")).toBe(Math.min(20, done + 2));
  }
  expect(await Promise.all(eve)).toEqual(Array(20).fill(200));
});

test("of one address eight are at work, whatever credentials they bring", async () => {
  const all = Array.from({ length: 12 }, (_, i) => ask(`forged-${i}`));
  await expect.poll(() => begun.filter(({ who }) => who.startsWith("forged")).length).toBe(8);
  for (let i = 0; i < 12; i++) {
    await expect
      .poll(() => begun.some(({ who, response }) => who.startsWith("forged") && !response.writableEnded))
      .toBe(true);
    begun.find(({ who, response }) => who.startsWith("forged") && !response.writableEnded)!.response.end();
  }
  expect(await Promise.all(all)).toEqual(Array(12).fill(200));
});

test("what streams, and what changes something, waits for nothing; who has gone is not served", async () => {
  const gone = new AbortController();
  const held = [ask("sam"), ask("sam")];
  await expect.poll(() => count("sam")).toBe(2);
  const late = ask("sam", "/", { signal: gone.signal });
  const free = [
    ask("sam", "/api/v1/pairs/1/events?x"),
    ask("sam", "/api/v1/repos", { method: "POST", body: "{}" }),
    ask("sam", "/a/b/resolve/main/c"),
  ];
  await expect.poll(() => count("sam")).toBe(5);
  gone.abort();
  expect(await late).toBe(0);
  await expect.poll(() => closed.includes("sam")).toBe(true);
  for (let i = 0; i < 5; i++) answerOne("sam");
  expect(await Promise.all([...held, ...free])).toEqual(Array(5).fill(200));
  expect(count("sam")).toBe(5);
});

test.for([
  ["HEAD", "/browse"],
  ["POST", "/browse"], // Next renders a page whatever it is asked with
  ["GET", "/browse?q=/resolve/"],
  ["GET", "/browse?q=/events"],
  ["GET", "/a/b/tree/main/resolve/c"],
  ["GET", "/a/b/tree/main/events"],
  ["GET", "//storage/x"],
] as const)("%s %s takes its turn like any question", async ([method, path]) => {
  const who = `${method} ${path}`;
  const all = Array.from({ length: 5 }, () => ask(who, path, { method }));
  await expect.poll(() => count(who)).toBe(2);
  for (let done = 1; done <= 5; done++) {
    expect(count(who)).toBeLessThanOrEqual(done + 1);
    await expect.poll(() => begun.some((one) => one.who === who && !one.response.writableEnded)).toBe(true);
    answerOne(who);
  }
  expect(await Promise.all(all)).toEqual(Array(5).fill(200));
});

test("of one client two large bodies are at work, and its questions do not wait for them", async () => {
  const large = { method: "POST", body: "x".repeat(100_000) };
  const all = Array.from({ length: 4 }, () => ask("large", "/api/v1/previews/recipe", large));
  await expect.poll(() => count("large")).toBe(2);
  const question = ask("large");
  await expect.poll(() => count("large")).toBe(3);
  for (let i = 0; i < 5; i++) {
    await expect.poll(() => begun.some(({ who, response }) => who === "large" && !response.writableEnded)).toBe(true);
    answerOne("large");
  }
  expect(await Promise.all([...all, question])).toEqual(Array(5).fill(200));
});
