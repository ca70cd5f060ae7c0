import type { NewCommit } from "#lib/catalog/commits/schema.ts";
import type { UploadView } from "#lib/catalog/uploads/schema.ts";
import type { ChosenFile } from "./dropped-files.ts";
import { beginUpload, commit, completeUpload, getUpload, persist, putPart, Refusal, signParts } from "./hub-api.ts";
import { forget, recall, remember } from "./memory.ts";

/** Where a file is: bytes go out; a worker of the hub reads them; a commit may take them. */
export interface FileProgress {
  readonly state: "waiting" | "sending" | "reading" | "ready" | "failed";
  readonly sent: number;
  readonly problem: string | null;
}

export type Tell = (path: string, progress: FileProgress) => void;

const AT_ONCE = 3; // parts on their way; more seldom fills a line better
const SIGNED = 12;
const LOOK_MS = 800;
const INLINE_BYTES = 64 * 1024;
const INLINE_ALL = 4 * 2 ** 20; // of all small files together; a commit's body has 8 MiB

/**
 * Sends files and commits them. What the hub has of them already is not sent again. Aborting the signal leaves everything as it is, and
 * the same call goes on from there.
 *
 * @throws Refusal of the commit, with the hub's words; what the signal was aborted with
 * @returns the problems by file, where some could not be sent: then nothing was committed
 */
export async function sendAll(repo: string, files: readonly ChosenFile[], tell: Tell, signal: AbortSignal): Promise<readonly string[]> {
  const operations: NewCommit["operations"] = [];
  const problems: string[] = [];
  let inline = 0;
  const reading: Promise<void>[] = [];
  for (const { path, file } of files) {
    const isWeights = /\.safetensors$/i.test(path);
    if (!isWeights && file.size <= INLINE_BYTES && inline + file.size <= INLINE_ALL) {
      inline += file.size;
      operations.push({ op: "add", path, content: toBase64(new Uint8Array(await file.arrayBuffer())), encoding: "base64" });
      tell(path, { state: "ready", sent: file.size, problem: null });
      continue;
    }
    const fail = (cause: unknown): void => {
      signal.throwIfAborted();
      const problem = cause instanceof Refusal ? cause.message : `${path} could not be sent: ${(cause as Error).message} Nothing was lost; try again.`;
      problems.push(problem);
      tell(path, { state: "failed", sent: 0, problem });
    };
    try {
      const { id } = await sendFile(repo, { path, file }, tell, signal);
      const read = untilRead(id, path, file.size, tell, signal).then(() => void operations.push({ op: "add", path, upload: id }), fail);
      read.catch(() => {}); // it is heard below
      reading.push(read);
    } catch (cause) {
      fail(cause);
    }
  }
  await Promise.all(reading);
  if (problems.length > 0) return problems;
  await persist(() => commit(repo, { title: files.length === 1 ? `Add ${files[0]!.path}` : `Add ${files.length} files`, operations }, signal), signal);
  forget(repo);
  return [];
}

/** A file up to where a worker reads it. */
async function sendFile(repo: string, { path, file }: ChosenFile, tell: Tell, signal: AbortSignal): Promise<UploadView> {
  const upload = (await known(repo, { path, file }, signal)) ?? (await begin(repo, { path, file }, signal));
  if (upload.state !== "open" && upload.state !== "receiving") return upload;
  const sizes = new Map<number, number>(upload.arrived.map((number) => [number, sizeOfPart(number, upload, file)]));
  const say = (): void => tell(path, { state: "sending", sent: [...sizes.values()].reduce((sum, size) => sum + size, 0), problem: null });
  say();
  const missing = Array.from({ length: upload.partCount }, (_, index) => index + 1).filter((number) => !sizes.has(number));
  for (let begin = 0; begin < missing.length; begin += SIGNED) {
    const numbers = missing.slice(begin, begin + SIGNED);
    const urls = await persist(async () => new Map((await signParts(upload.id, numbers, signal)).items.map(({ number, url }) => [number, url])), signal);
    await inLanes(numbers, async (number) => {
      const from = (number - 1) * upload.partSize;
      const bytes = file.slice(from, from + sizeOfPart(number, upload, file));
      await persist(() => putPart(urls.get(number)!, bytes, (sent) => (sizes.set(number, sent), say()), signal), signal);
      sizes.set(number, bytes.size);
      say();
    });
  }
  return persist(() => completeUpload(upload.id, signal), signal);
}

/** The upload of before a reload, where the hub still has it. */
async function known(repo: string, { path, file }: ChosenFile, signal: AbortSignal): Promise<UploadView | null> {
  const remembered = recall(repo, path, file);
  if (!remembered) return null;
  try {
    const upload = await persist(() => getUpload(remembered.id, signal), signal);
    return ["open", "receiving", "hashing", "verified"].includes(upload.state) ? upload : null;
  } catch (cause) {
    if (cause instanceof Refusal && cause.status === 404) return null;
    throw cause;
  }
}

async function begin(repo: string, { path, file }: ChosenFile, signal: AbortSignal): Promise<UploadView> {
  const key = crypto.randomUUID();
  const upload = await persist(() => beginUpload(repo, { path, size: file.size }, key, signal), signal);
  remember(repo, path, file, upload.id);
  return upload;
}

async function untilRead(id: string, path: string, size: number, tell: Tell, signal: AbortSignal): Promise<void> {
  for (;;) {
    const upload = await persist(() => getUpload(id, signal), signal);
    if (upload.state === "verified") return tell(path, { state: "ready", sent: size, problem: null });
    if (upload.state !== "hashing") throw new Refusal(upload.problem ?? `The upload of ${path} ended (${upload.state}); send it again.`, 422, null);
    tell(path, { state: "reading", sent: size, problem: null });
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    signal.throwIfAborted();
  }
}

const sizeOfPart = (number: number, { partSize }: UploadView, file: File): number => Math.min(partSize, file.size - (number - 1) * partSize);

async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
    }),
  );
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
