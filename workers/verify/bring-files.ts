import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AppError } from "#lib/errors.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { showBytes } from "#lib/util/show-bytes.ts";
import { processName } from "#workers/files/process-name.ts";
import { type Answer, askHub } from "./from-hub.ts";

/** A file by its content, and where on the hub it lies; in several places where copies do. */
export interface WantedFile {
  readonly sha256: string;
  readonly size: number;
  readonly places: readonly { readonly repo: string; readonly commit: string; readonly path: string }[];
}

export interface WhereFilesAre {
  /** An origin. */
  readonly hub: string;
  /** A folder with files of whatever names; null where the person has none. */
  readonly models: string | null;
  /** Files by their sha256, from one run to the next. */
  readonly cache: string;
}

/**
 * Paths of files here, by their sha256: of the person's own folder, of the cache, else fetched from the hub. Every byte is hashed, also
 * of what lies here already.
 *
 * @throws file_not_found for what the hub does not give, bytes_differ, disk_full, cancelled
 */
export async function bringFiles(
  wanted: readonly WantedFile[],
  where: WhereFilesAre,
  tell: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const [sha256, path] of await ownFiles(wanted, where.models, signal)) found.set(sha256, path);
  await mkdir(where.cache, { recursive: true }).catch((cause: unknown) => {
    throw unusable(where.cache, cause);
  });
  const lacking: WantedFile[] = [];
  for (const file of wanted) {
    if (found.has(file.sha256)) continue;
    const path = join(where.cache, file.sha256);
    if (await isFile(path, file)) found.set(file.sha256, path);
    else lacking.push(file);
  }
  const total = lacking.reduce((sum, { size }) => sum + size, 0);
  await requireRoom(where.cache, total);
  let done = 0;
  for (const file of lacking) {
    const before = done;
    const path = await fetchFile(file, where, signal, (bytes) => tell((done = before + bytes), total));
    found.set(file.sha256, path);
  }
  return found;
}

/** Deeper, or more of them, nobody keeps models. */
const MOST_ENTRIES = 100_000;

/** Of a person's folder the files that are wanted. Only what has the size of one is read. */
async function ownFiles(
  wanted: readonly WantedFile[],
  folder: string | null,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  if (folder === null) return found;
  const sizes = new Set(wanted.map(({ size }) => size));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new AppError("file_not_found", `There is no folder ${folder}; check the path of --models.`, {}, cause);
  });
  if (entries.length > MOST_ENTRIES)
    throw new AppError("bad_request", `${folder} holds more than ${MOST_ENTRIES} files; name one with the models.`);
  for (const entry of entries) {
    signal.throwIfAborted();
    const path = join(entry.parentPath, entry.name);
    const facts = await stat(path).catch(() => null); // a link to nowhere
    if (!facts?.isFile() || !sizes.has(facts.size)) continue;
    found.set(await sha256OfFile(path), path);
  }
  return found;
}

const isFile = async (path: string, { sha256, size }: WantedFile): Promise<boolean> =>
  (await stat(path).catch(() => null))?.size === size && (await sha256OfFile(path)) === sha256;

const SPARE_BYTES = 100e6;

async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bytes + SPARE_BYTES <= bavail * bsize || bytes === 0) return;
  throw new AppError(
    "disk_full",
    `What was measured is ${showBytes(bytes)}, and ${folder} has room for ${showBytes(bavail * bsize)}; free some, or name another folder with --cache.`,
    { bytes },
  );
}

async function fetchFile(
  file: WantedFile,
  { hub, cache }: WhereFilesAre,
  signal: AbortSignal,
  tell: (bytes: number) => void,
): Promise<string> {
  const answer = await openFirst(file, hub, signal);
  const arriving = join(cache, `${file.sha256}.${processName}`);
  const hash = createHash("sha256");
  let size = 0;
  const counted = new Transform({
    transform(bytes: Buffer, _encoding, next) {
      size += bytes.length;
      if (size > file.size) return next(differs(file, answer.url, `more than its ${file.size} bytes`));
      hash.update(bytes);
      tell(size);
      next(null, bytes);
    },
  });
  try {
    await pipeline(answer.body, counted, createWriteStream(arriving), { signal });
    if (size < file.size) throw differs(file, answer.url, `${size} of its ${file.size} bytes`);
    if (hash.digest("hex") !== file.sha256) throw differs(file, answer.url, "other bytes");
    const path = join(cache, file.sha256);
    await rename(arriving, path);
    return path;
  } catch (cause) {
    await rm(arriving, { force: true });
    signal.throwIfAborted();
    if (cause instanceof AppError) throw cause;
    throw unusable(cache, cause);
  }
}

interface Opened extends Pick<Answer, "body"> {
  readonly url: string;
}

/** The first place that gives it, and announces as many bytes as the report does. */
async function openFirst(file: WantedFile, hub: string, signal: AbortSignal): Promise<Opened> {
  const refused: string[] = [];
  for (const { repo, commit, path } of file.places) {
    const url = new URL(
      `/${[...repo.split("/"), "resolve", commit, ...path.split("/")].map(encodeURIComponent).join("/")}`,
      hub,
    );
    const response = await askHub(url, signal);
    const announced = response.headers.get("content-length");
    const isWhole =
      announced === null || response.headers.get("content-encoding") !== null || Number(announced) === file.size;
    if (response.ok && isWhole) return { url: url.href, body: response.body };
    response.close();
    if (response.ok) throw differs(file, url.href, `${announced} bytes and not its ${file.size}`);
    refused.push(`${repo}/${path} (${response.status})`);
  }
  throw new AppError(
    "file_not_found",
    `${hub} does not give ${refused.join(", ")} any more: it is gone or private. Whoever has the file gives its folder with --models.`,
    { sha256: file.sha256 },
  );
}

const differs = ({ sha256 }: WantedFile, url: string, what: string): AppError =>
  new AppError("bytes_differ", `${url} gave ${what}, and not the file ${sha256.slice(0, 12)}… of the report.`, {
    sha256,
  });

const unusable = (folder: string, cause: unknown): AppError =>
  new AppError(
    "bad_request",
    `${folder} cannot be written to (${(cause as NodeJS.ErrnoException).code ?? (cause as Error).message}); name another folder with --cache.`,
    {},
    cause,
  );
