import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { beginReading, type Markdown } from "#lib/catalog/cards/read-markdown.ts";
import { hostileMarkdown, hostileYaml } from "../../support/hostile-markdown.ts";

const readMarkdown = (bytes: Uint8Array, who: string): Promise<Markdown> => beginReading(bytes, who).whole;

// What a stranger's text may cost is bounded by the reader; here that every text comes back within the bounds, laid out or not.

const megabytes = (): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024;

async function readAll(texts: ReadonlyMap<string, string>): Promise<Map<string, Markdown>> {
  const read = new Map<string, Markdown>();
  const lanes = ["ann", "ben"].map(async (who, lane) => {
    for (const [at, [name, text]] of [...texts].entries())
      if (at % 2 === lane) read.set(name, await readMarkdown(Buffer.from(text), who));
  });
  await Promise.all(lanes);
  return read;
}

function requireBounded(name: string, { html, problem, text }: Markdown): void {
  if (html === null) expect(problem, name).toMatch(/^It is shown as it was written, for .+\.$/);
  else expect([problem, Buffer.byteLength(html) <= 512 * 1024], name).toEqual([null, true]);
  expect(text.length, name).toBeLessThanOrEqual(256 * 1024);
}

test("every construct repeated, nested and mixed, as long as others take a moment", { timeout: 300_000 }, async () => {
  const texts = hostileMarkdown(400, 40);
  const read = await readAll(texts);
  expect(read.size).toBe(texts.size);
  for (const [name, markdown] of read) requireBounded(name, markdown);
});

test(
  "the worst of them, as long as they may be: plain text, and our process takes no part in it",
  { timeout: 300_000 },
  async () => {
    const all = hostileMarkdown(100_000, 0);
    const worst = ['"1. " again and again', '"www.a_" again and again', '"![a" in itself', "a table of short rows"];
    const [memory, { user, system }] = [megabytes(), process.cpuUsage()];
    for (const [name, markdown] of await readAll(new Map(worst.map((name) => [name, all.get(name)!])))) {
      requireBounded(name, markdown);
      expect(markdown.html, name).toBeNull();
    }
    const used = process.cpuUsage({ user, system });
    expect((used.user + used.system) / 1000).toBeLessThan(1000); // of some 10 s in the readers
    expect(megabytes() - memory).toBeLessThan(100);
  },
);

test("front matter that is slow to read", { timeout: 300_000 }, async () => {
  const texts = new Map([...hostileYaml(60_000)].map(([name, yaml]) => [name, `---\n${yaml}\n---\nHi`]));
  for (const [name, { html, warnings }] of await readAll(texts)) {
    expect(html, name).toBe("<p>Hi</p>");
    for (const warning of warnings) expect(warning, name).toMatch(/^The front matter cannot be used: ./);
  }
});

test("who sends texts that take all they may waits for themselves", { timeout: 300_000 }, async () => {
  const hostile = Buffer.from(hostileMarkdown(100_000, 0).get('"1. " again and again')!);
  const done: string[] = [];
  const eve = Array.from({ length: 2 }, () => readMarkdown(hostile, "eve").then(() => done.push("eve")));
  const ben = Array.from({ length: 4 }, () => readMarkdown(Buffer.from("# Hi"), "ben").then(() => done.push("ben")));
  await Promise.all([...eve, ...ben]);
  expect(done.slice(0, 4)).toEqual(["ben", "ben", "ben", "ben"]);
});

test(
  "what stands in a card is known before any card of the same person is laid out",
  { timeout: 300_000 },
  async () => {
    const done: string[] = [];
    const all = ["a", "b", "c"].map((name) => {
      const { text, whole } = beginReading(Buffer.from(`---\nsummary: ${name}\n---\n# Hi`), "eve");
      return [
        text.then(({ facts }) => done.push(`text ${facts.summary}`)),
        whole.then(({ facts }) => done.push(`whole ${facts.summary}`)),
      ];
    });
    await Promise.all(all.flat());
    expect(done.slice(0, 3)).toEqual(["text a", "text b", "text c"]);
    expect(done.slice(3)).toEqual(["whole a", "whole b", "whole c"]);
  },
);

test("who has fifty texts waiting is asked to wait", async () => {
  const all = await Promise.allSettled(Array.from({ length: 60 }, () => readMarkdown(Buffer.from("# Hi"), "eve")));
  const refused = all.filter(({ status }) => status === "rejected");
  expect(refused).toHaveLength(9); // one is being read
  expect(refused[0]).toMatchObject({ reason: { code: "rate_limited" } });
  expect((await readMarkdown(Buffer.from("# Hi"), "ben")).html).toBe("<h3>Hi</h3>");
});
