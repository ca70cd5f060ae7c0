import { setTimeout as sleep } from "node:timers/promises";
import { must } from "../support/hub-member.ts";
import type { Figure, Gate, GateLength } from "./gate.ts";

const ROUNDS: Readonly<Record<GateLength, number>> = { full: 200, short: 10 };

/** The process of the object store hangs: it takes connections, and answers nothing. */
export const store: Gate = {
  about: "an object store that hangs, on a hub of its own",
  store: "bucket",
  run: async ({ hub, ben, s3 }, length) => {
    const server = s3!;
    try {
      const repo = await ben.newRepo("clay", { visibility: "public" });
      const upload = await ben.verified(repo, "table.bin.txt", Buffer.alloc(12 * 2 ** 20, "a line of text\n"));
      must(
        201,
        await ben.commit(repo, [
          { op: "add", path: "README.md", content: "# Clay\n\nIt draws in clay." },
          { op: "add", path: "notes.txt", content: "Some notes." },
          { op: "add", path: "table.bin.txt", upload },
        ]),
      );
      const file = `/${repo}/resolve/main/table.bin.txt`;
      const pages = [
        "/",
        "/browse",
        `/${repo}`,
        `/${repo}/tree/main`,
        `/${repo}/tree/main/notes.txt`,
        `/preview?finetune=${repo}`,
      ];
      for (const page of pages.filter((one) => !one.endsWith(".txt"))) await ask(hub.url + page); // the text is not known yet
      if ((await ask(hub.url + file)).status !== 302) throw new Error("a large file is not downloaded from the store");

      await server.freeze();
      await sleep(1500); // a link is given while the store was heard of within a second
      const first = await ask(hub.url + file);
      const committing = await timed(() => ben.commit(repo, [{ op: "add", path: "more.txt", content: "More." }]));
      const shown = new Map(pages.map((page) => [page, [] as number[]]));
      const downloads: number[] = [];
      let redirects = first.status === 302 ? 1 : 0;
      let [unexplained, missing] = [0, 0];
      for (let round = 0; round < ROUNDS[length]; round += 1) {
        for (const page of pages) {
          const { status, milliseconds } = await ask(hub.url + page);
          shown.get(page)!.push(milliseconds);
          missing += status === 200 ? 0 : 1;
        }
        const { status, milliseconds, retryAfter, code } = await ask(hub.url + file);
        downloads.push(milliseconds);
        redirects += status === 302 ? 1 : 0;
        unexplained += status === 503 && retryAfter !== null && code === "storage_unavailable" ? 0 : 1;
        await sleep(20);
      }
      const ready = await ask(`${hub.url}/readyz`);
      server.thaw();
      const back = await timed(async () => {
        while ((await ask(hub.url + file)).status !== 302) await sleep(50);
      });
      const commits = must(201, await ben.commit(repo, [{ op: "add", path: "more.txt", content: "More." }]));
      const figures: Figure[] = [
        ...[...shown].map(([page, waits]) => ({
          what: `${page}, the slowest of ${waits.length}`,
          value: Math.max(...waits),
          unit: "ms" as const,
          atMost: 1000,
        })),
        { what: "pages that were not shown", value: missing, unit: "", atMost: 0 },
        { what: "the first download", value: first.milliseconds / 1000, unit: "s", atMost: 10 },
        { what: "the first commit", value: committing.milliseconds / 1000, unit: "s", atMost: 15 },
        { what: "its answer", value: committing.value.status, unit: "", atLeast: 503, atMost: 503 },
        { what: "the slowest download after it", value: Math.max(...downloads), unit: "ms", atMost: 1000 },
        { what: "downloads sent into the void", value: redirects, unit: "", atMost: 0 },
        { what: "downloads without a word on why and when", value: unexplained, unit: "", atMost: 0 },
        { what: "readyz", value: ready.status, unit: "", atLeast: 503, atMost: 503 },
        { what: "back after", value: back.milliseconds / 1000, unit: "s", atMost: 10 },
        { what: "a commit then", value: commits.status, unit: "", atMost: 201 },
      ];
      return figures;
    } finally {
      server.thaw();
    }
  },
};

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly milliseconds: number }> {
  const began = performance.now();
  const value = await work();
  return { value, milliseconds: performance.now() - began };
}

async function ask(
  url: string,
): Promise<{ status: number; milliseconds: number; retryAfter: string | null; code: string | null }> {
  const { value, milliseconds } = await timed(async () => {
    const answer = await fetch(url, { redirect: "manual" });
    return { answer, text: await answer.text() };
  });
  const { answer, text } = value;
  const isJson = answer.headers.get("content-type")?.includes("json") === true;
  const code = isJson ? ((JSON.parse(text) as { code?: string }).code ?? null) : null;
  return { status: answer.status, milliseconds, retryAfter: answer.headers.get("retry-after"), code };
}
