import type { NewCommit } from "#lib/catalog/commits/schema.ts";
import type { UploadView } from "#lib/catalog/uploads/schema.ts";
import type { ChosenFile } from "./dropped-files.ts";
import {
  abortUpload,
  beginUpload,
  commit,
  completeUpload,
  getUpload,
  type Line,
  persist,
  putPart,
  Refusal,
  signParts,
  sleep,
} from "./hub-api.ts";
import type { Memory } from "./memory.ts";

/** Where a file is: bytes go out; a worker of the hub reads them; a commit may take them. */
export interface FileProgress {
  readonly state: "waiting" | "sending" | "reading" | "ready" | "failed";
  readonly sent: number;
  readonly problem: string | null;
}

export interface Sending extends Line {
  readonly repo: string;
  readonly files: readonly ChosenFile[];
  readonly memory: Memory;
  readonly tell: (path: string, progress: FileProgress) => void;
  /** Bytes that have gone out now, not those of before. */
  readonly moved: (bytes: number) => void;
}

const AT_ONCE = 3; // parts on their way, of all files together: more do not fill a line better
const SIGNED = 12;
const LOOK_MS = 700;
const INLINE_BYTES = 64 * 1024;
const INLINE_ALL = 4 * 2 ** 20; // of all small files together; the body of a commit has 8 MiB
const INLINE_FILES = 900;
const MAX_LARGE = 900; // a person may have a thousand uploads that no commit has taken yet

type Operation = NewCommit["operations"][number];

export interface Arrived {
  readonly operations: readonly Operation[];
  /** Paths of files that did not come; the others are there whole. */
  readonly failed: readonly string[];
}

/**
 * Sends files; what the hub has of them already is not sent again. A file that is refused stops no other one. Aborting the signal leaves
 * everything as it is, and the same call goes on from there. @throws what the signal was aborted with
 */
export async function sendFiles(given: Sending): Promise<Arrived> {
  const operations: Operation[] = [];
  const failed: string[] = [];
  const tell: Sending["tell"] = (path, progress) => void (failed.includes(path) || given.tell(path, progress)); // parts in flight end after their file has failed
  const sending = { ...given, tell };
  const { files, signal } = sending;
  const { inline, large } = divide(files);
  const fail = ({ path }: ChosenFile, cause: unknown): void => {
    signal.throwIfAborted();
    tell(path, {
      state: "failed",
      sent: 0,
      problem: cause instanceof Refusal ? cause.message : `It could not be sent (${(cause as Error).message}).`,
    });
    failed.push(path);
  };
  for (const { path } of large) tell(path, { state: "waiting", sent: 0, problem: null });
  for (const one of inline) {
    try {
      operations.push({
        op: "add",
        path: one.path,
        content: toBase64(new Uint8Array(await one.file.arrayBuffer())),
        encoding: "base64",
      });
      tell(one.path, { state: "ready", sent: one.file.size, problem: null });
    } catch (cause) {
      fail(one, cause);
    }
  }
  const turn = turns(AT_ONCE);
  // Workers read in the order in which files came: one look at a time is enough, for a thousand files too.
  let reading = Promise.resolve();
  await inLanes(large, async (one) => {
    try {
      const { id } = await sendFile(sending, one, turn);
      tell(one.path, { state: "reading", sent: one.file.size, problem: null });
      reading = reading
        .then(() => untilRead(sending, one, id))
        .then(
          () => void operations.push({ op: "add", path: one.path, upload: id }),
          (cause) => fail(one, cause),
        );
      reading.catch(() => {}); // it is heard below
    } catch (cause) {
      fail(one, cause);
    }
  });
  await reading;
  return { operations, failed };
}

/** What has arrived becomes one commit. Safe to do again when the answer was lost. @throws Refusal, with the hub's words */
export async function commitFiles(sending: Sending, operations: readonly Operation[]): Promise<void> {
  const { repo, memory } = sending;
  const title = operations.length === 1 ? `Add ${operations[0]!.path.slice(-200)}` : `Add ${operations.length} files`;
  await persist(
    () => commit(repo, { title, operations: operations.toSorted((a, b) => (a.path < b.path ? -1 : 1)) }, sending),
    sending,
  );
  memory.forget(repo);
}

/** Gives up what was begun to a repo: the hub throws away what has arrived of it. */
export async function discard(repo: string, memory: Memory): Promise<void> {
  for (const { id } of memory.begun().find((one) => one.repo === repo)?.files ?? []) {
    if (id !== null) await abortUpload(id).catch(() => {}); // what is not there needs no end, and the sweeper ends the rest
  }
  memory.forget(repo);
}

/** Small texts travel within the commit; weights and whatever is large by themselves. */
function divide(files: readonly ChosenFile[]): { inline: ChosenFile[]; large: ChosenFile[] } {
  const [inline, large]: [ChosenFile[], ChosenFile[]] = [[], []];
  let bytes = 0;
  for (const one of files) {
    const { size } = one.file;
    const fits =
      size <= INLINE_BYTES &&
      bytes + size <= INLINE_ALL &&
      inline.length < INLINE_FILES &&
      !/\.safetensors$/i.test(one.path);
    if (fits) bytes += size;
    (fits ? inline : large).push(one);
  }
  return { inline, large };
}

/** Why these are too many for one commit; null where they are not. */
export function tooMany(files: readonly ChosenFile[]): string | null {
  const { length } = divide(files).large;
  return length > MAX_LARGE
    ? `${length} of its files are more than a small text, and at most ${MAX_LARGE} such go up at once; choose one folder of it after the other, into the same repo.`
    : null;
}

type Turn = <T>(work: () => Promise<T>) => Promise<T>;

/** A file up to where a worker reads it. */
async function sendFile(sending: Sending, one: ChosenFile, turn: Turn): Promise<UploadView> {
  let upload = await begin(sending, one);
  for (let attempt = 1; ; attempt++) {
    if (upload.state !== "open" && upload.state !== "receiving") return upload;
    await sendParts(sending, one, upload, turn);
    try {
      return await persist(() => completeUpload(upload.id, sending), sending);
    } catch (cause) {
      if (!(cause instanceof Refusal && cause.code === "bytes_differ" && attempt < 3)) throw cause;
      upload = await persist(() => getUpload(upload.id, sending), sending); // a part was lost on the way; it says which are there
    }
  }
}

async function sendParts(sending: Sending, { path, file }: ChosenFile, upload: UploadView, turn: Turn): Promise<void> {
  const { tell, moved, signal } = sending;
  const sizeOf = (number: number): number => Math.min(upload.partSize, file.size - (number - 1) * upload.partSize);
  const sizes = new Map<number, number>(upload.arrived.map((number) => [number, sizeOf(number)]));
  const say = (): void =>
    tell(path, { state: "sending", sent: [...sizes.values()].reduce((sum, size) => sum + size, 0), problem: null });
  say();
  const missing = Array.from({ length: upload.partCount }, (_, index) => index + 1).filter(
    (number) => !sizes.has(number),
  );
  const urls = new Map<number, string>();
  const sign = async (numbers: readonly number[]): Promise<void> => {
    for (const { number, url } of (await signParts(upload.id, numbers, sending)).items) urls.set(number, url);
  };
  await inLanes(missing, (number) =>
    turn(() =>
      persist(async () => {
        if (!urls.has(number)) await sign(missing.filter((each) => each >= number && !urls.has(each)).slice(0, SIGNED));
        const begin = (number - 1) * upload.partSize;
        const url = urls.get(number)!;
        const onProgress = (sent: number): void => {
          moved(Math.max(0, sent - (sizes.get(number) ?? 0)));
          sizes.set(number, sent);
          say();
        };
        try {
          await putPart(url, file.slice(begin, begin + sizeOf(number)), onProgress, signal);
          onProgress(sizeOf(number));
        } catch (cause) {
          urls.delete(number); // its hour may be over: it is signed anew
          sizes.delete(number);
          say();
          throw cause;
        }
      }, sending),
    ),
  );
}

const goesOn: ReadonlySet<UploadView["state"]> = new Set(["open", "receiving", "hashing", "verified", "linked"]);

/** The upload of before a reload, where the hub still has it; else a new one. */
async function begin(sending: Sending, one: ChosenFile): Promise<UploadView> {
  const { repo, memory } = sending;
  for (let isNew = false; ; isNew = true) {
    const key = (isNew ? null : memory.recall(repo, one)?.key) ?? newKey();
    memory.remember(repo, one, { key, id: null }); // before it is asked for: its answer may be lost
    const upload = await persist(
      () => beginUpload(repo, { path: one.path, size: one.file.size }, key, sending),
      sending,
    );
    if (isNew || goesOn.has(upload.state)) {
      memory.remember(repo, one, { key, id: upload.id });
      return upload;
    }
  }
}

/** crypto.randomUUID is there only where the page came encrypted. */
const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function untilRead(sending: Sending, { path, file }: ChosenFile, id: string): Promise<void> {
  for (;;) {
    const { state, problem } = await persist(() => getUpload(id, sending), sending);
    if (state === "verified" || state === "linked")
      return sending.tell(path, { state: "ready", sent: file.size, problem: null });
    if (state !== "hashing")
      throw new Refusal(problem ?? `Its upload has ended (${state}); send it again.`, { status: 422, again: null });
    await sleep(LOOK_MS, sending.signal);
  }
}

/** So many at a time; whoever comes later waits. */
function turns(count: number): Turn {
  const waiting: (() => void)[] = [];
  let free = count;
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}

async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const lane = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  const stop = (cause: unknown): never => {
    left.length = 0; // the other lanes end with what they have in hand
    throw cause;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, () => lane().catch(stop)));
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
