import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { open, rm, statfs } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { createToken } from "#lib/auth/token.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import type { UploadView } from "#lib/catalog/uploads/schema.ts";
import { AppError } from "#lib/errors.ts";
import { newPerson } from "../tests/support/actors.ts";
import { type ApiAnswer, UploadClient } from "../tests/support/upload-client.ts";
import { type BenchHub, startBenchHub } from "./bench-hub.ts";
import { progress } from "./progress.ts";
import { Resident } from "./resident.ts";
import { SizedFile } from "./sized-file.ts";
import { type Spread, spread, spreadOf } from "./spread.ts";
import { table } from "./table.ts";

/** What is timed, in the order of a round. The first three are the ceilings. */
const steps = {
  write: "the disk: written in a row, to its end on the disk",
  read: "the disk: read in a row",
  sha256: "sha256 of it, read in a row",
  upload: "upload: its parts, four at a time",
  complete: "upload: parts put together",
  verify: "upload: from then until a worker says what it is",
  download: "download: one connection",
} as const;
type Step = keyof typeof steps;

/** Which ceiling each is held against. */
const against: Readonly<Partial<Record<Step, Step>>> = {
  upload: "write",
  complete: "write",
  verify: "sha256",
  download: "read",
};

type Rates = Readonly<Record<Step, number>>;
type Memory = Readonly<Record<"before" | "upload" | "complete" | "verify" | "download", number>>;

export interface TransferResult {
  readonly size: number;
  readonly rounds: number;
  readonly rows: readonly { readonly step: Step; readonly megabytesPerSecond: Spread; readonly share: Spread | null }[];
  /** Of the web process, in MB: before, and the most in each step. */
  readonly memory: Readonly<Record<keyof Memory, Spread>>;
}

const OWNER = "ann";
const PATH = "weights.safetensors";
const PARALLEL = 4;
const SPARE = 2 ** 30;

/**
 * A large file to a hub on this machine and back, over HTTP, on the disk store; beside it what the same disk does with as many
 * bytes, and what hashing them costs. Each round has a file of its own.
 */
export async function benchTransfer(rounds: number, { size }: { readonly size: number }): Promise<TransferResult> {
  const hub = await startBenchHub("web", "worker");
  const resident = new Resident(hub.webPid);
  try {
    await requireRoom(hub.folder, (rounds + 2) * size); // what was uploaded stays, and the disk is timed beside it
    const ann = await newPerson(OWNER);
    const client = new UploadClient(
      hub.url,
      (await createToken(ann, { name: "bench", scopes: ["read", "write"] })).secret,
    );
    const rates: Rates[] = [];
    const memory: Memory[] = [];
    for (let round = 0; round < rounds; round++) {
      await createRepo(ann, { owner: OWNER, name: `round-${round}`, kind: "finetune", visibility: "public" });
      const one = await transfer({
        hub,
        resident,
        client,
        repo: `${OWNER}/round-${round}`,
        file: new SizedFile(size),
        say: (what) => progress(`round ${round + 1} of ${rounds}: ${what}`),
      });
      rates.push(one.rates);
      memory.push(one.memory);
    }
    const rows = (Object.keys(steps) as Step[]).map((step) => {
      const ceiling = against[step];
      return {
        step,
        megabytesPerSecond: spreadOf(rates.map((rate) => rate[step])),
        share: ceiling ? spreadOf(rates.map((rate) => rate[step] / rate[ceiling])) : null,
      };
    });
    const peaks = Object.fromEntries(
      Object.keys(memory[0]!).map((step) => [step, spreadOf(memory.map((one) => one[step as keyof Memory]))]),
    ) as TransferResult["memory"];
    return { size, rounds, rows, memory: peaks };
  } finally {
    resident.stop();
    await hub.close();
  }
}

async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const gigabytes = (count: number): string => (count / 1e9).toFixed(1);
  if (bavail * bsize < bytes + SPARE)
    throw new AppError(
      "disk_full",
      `This needs ${gigabytes(bytes + SPARE)} GB in ${folder}, where ${gigabytes(bavail * bsize)} GB are free; make room, or give a smaller --size or fewer --rounds.`,
      { bytes },
    );
}

interface Round {
  readonly hub: BenchHub;
  readonly resident: Resident;
  readonly client: UploadClient;
  readonly repo: string;
  readonly file: SizedFile;
  readonly say: (what: string) => void;
}

async function transfer({ hub, resident, client, repo, file, say }: Round): Promise<{ rates: Rates; memory: Memory }> {
  const rates: Partial<Record<Step, number>> = {};
  const time = async <Result>(step: Step, work: () => Promise<Result>): Promise<Result> => {
    say(steps[step]);
    const begin = performance.now();
    const result = await work();
    rates[step] = file.size / 1e3 / (performance.now() - begin);
    return result;
  };
  const whole = join(hub.folder, "whole");
  await time("write", () => writeWhole(whole, file));
  await time("read", () => count(createReadStream(whole, { highWaterMark: 2 ** 20 })));
  const sha256 = await time("sha256", () => hashOf(whole));
  await rm(whole);

  const before = resident.takePeak();
  const { id, partSize, partCount } = expectStatus<UploadView>(
    201,
    await client.begin(repo, { path: PATH, size: file.size }),
  );
  await time("upload", () => sendParts(client, id, file, partSize, partCount));
  const upload = resident.takePeak();
  // Answered before the worker has read it.
  await time("complete", async () => expectStatus(202, await client.complete(id)));
  const complete = resident.takePeak();
  const verified = await time("verify", () => untilVerified(client, id));
  const verify = resident.takePeak();
  requireSame(sha256, verified.sha256, "the worker read");
  expectStatus(
    201,
    await client.ask("POST", `/repos/${repo}/commits`, {
      title: "Weights",
      operations: [{ op: "add", path: PATH, upload: id }],
    }),
  );
  const url = `${hub.url}/${repo}/resolve/main/${PATH}`;
  const bytes = await time("download", async () => count(await get((await get(url, 302)).headers.location!, 200)));
  const download = resident.takePeak();
  requireSame(file.size, bytes, "came back");
  return { rates: rates as Rates, memory: { before, upload, complete, verify, download } };
}

async function writeWhole(path: string, data: SizedFile): Promise<void> {
  const file = await open(path, "wx");
  try {
    for (const piece of data.pieces()) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(piece as Buffer);
  return hash.digest("hex");
}

/** Reads to the end and keeps nothing. @returns how many bytes */
async function count(stream: Readable): Promise<number> {
  let bytes = 0;
  stream.on("data", (piece: Buffer) => (bytes += piece.length));
  await once(stream, "end");
  return bytes;
}

async function sendParts(
  client: UploadClient,
  id: string,
  file: SizedFile,
  partSize: number,
  partCount: number,
): Promise<void> {
  let next = 1;
  const sendSome = async (): Promise<void> => {
    while (next <= partCount) {
      const number = next++;
      const { items } = expectStatus<{ items: { url: string; size: number }[] }>(
        200,
        await client.ask("POST", `/uploads/${id}/parts`, { numbers: [number] }),
      );
      const { url, size } = items[0]!;
      await put(url, size, file.pieces((number - 1) * partSize, (number - 1) * partSize + size));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, sendSome));
}

async function put(url: string, size: number, pieces: Iterable<Buffer>): Promise<void> {
  const sent = request(url, { method: "PUT", headers: { "Content-Length": size } });
  const answered = once(sent, "response") as Promise<[IncomingMessage]>;
  await pipeline(Readable.from(pieces, { objectMode: true, highWaterMark: 1 }), sent);
  const [response] = await answered;
  response.resume();
  if (response.statusCode !== 200) throw new AppError("internal", `A part was answered with ${response.statusCode}.`);
}

async function get(url: string, status: number): Promise<IncomingMessage> {
  const asked = request(url).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  if (response.statusCode !== status)
    throw new AppError("internal", `The file was answered with ${response.statusCode}.`);
  if (status === 302) response.resume();
  return response;
}

async function untilVerified(client: UploadClient, id: string): Promise<UploadView> {
  for (;;) {
    const view = expectStatus<UploadView>(200, await client.get(id));
    if (view.state === "verified") return view;
    if (view.problem !== null) throw new AppError("internal", `The upload failed: ${view.problem}`);
    await sleep(50);
  }
}

function expectStatus<Body>(status: number, { status: actual, body }: ApiAnswer): Body {
  if (actual !== status) throw new AppError("internal", `The hub answered ${actual}: ${JSON.stringify(body)}`);
  return body as Body;
}

function requireSame(expected: string | number, actual: string | number | null, what: string): void {
  if (expected !== actual)
    throw new AppError("bytes_differ", `Other bytes than were sent ${what}: ${actual} instead of ${expected}.`);
}

export function showTransfer({ size, rounds, rows, memory }: TransferResult): string {
  const cells = rows.map(({ step, megabytesPerSecond, share }) => [
    steps[step],
    spread(megabytesPerSecond),
    share ? spread(share, 2) : "",
    share ? against[step]! : "",
  ]);
  const { before, ...peaks } = memory;
  return `${table([["", "MB/s", "ratio", "to"], ...cells])}

${table([["memory of the web process", "MB"], ["before", spread(before)], ...Object.entries(peaks).map(([step, peak]) => [`most in ${step}`, spread(peak)])])}

${(size / 1e6).toFixed(0)} MB, ${rounds} rounds, median (range). Reading is from the system's cache as far as memory goes, for the ceiling as for the hub.`;
}
