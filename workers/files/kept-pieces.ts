import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type KeptPiece, piecesOf, touchPieces } from "#lib/catalog/kept/repository.ts";
import { keepPiece, roomForPieces } from "#lib/catalog/kept/service.ts";
import { log } from "#lib/log.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { writeWhole } from "#lib/util/write-whole.ts";

/** What a worker brings onto its disk of one unit: a little less than it keeps there in all. */
const MOST_BROUGHT = 800e6;
const BROUGHT_AT_ONCE = 8;

/** How often it is looked for what is new, in milliseconds: what a lost worker has not put into the store is computed again. */
const LOOK_EVERY = 5000;

/** What pieces are of, and how the names of their files begin. */
export interface KeptAs {
  /** The hash of a unit, or the id of a distillation. */
  readonly key: string;
  readonly prefix: string;
  /** Whether what is kept is brought onto this disk; else only what is new is put into the store. */
  readonly brings: boolean;
}

/**
 * `work` with all that is kept of it on this disk, where its child looks for it. What the child adds is put into the store while it
 * works and when it has ended, however it ended. A store that is away costs time and no measurement.
 */
export async function withKeptPieces<T>(
  { key, prefix, brings }: KeptAs,
  folder: string,
  work: () => Promise<T>,
): Promise<T> {
  const known = new Set<string>();
  const quietly = async (what: string, step: () => Promise<void>): Promise<void> =>
    step().catch((cause: unknown) => log().warn({ event: `kept.${what}`, key, err: cause }, (cause as Error).message));
  if (brings) await quietly("bring", () => bring(key, folder, known));
  let putting: Promise<void> | null = null;
  const put = (): Promise<void> =>
    (putting ??= quietly("put", () => putNew(key, prefix, folder, known)).finally(() => (putting = null)));
  const looking = setInterval(() => void put(), LOOK_EVERY);
  try {
    return await work();
  } finally {
    clearInterval(looking);
    await putting;
    await put();
  }
}

async function bring(key: string, folder: string, known: Set<string>): Promise<void> {
  const pieces = await piecesOf(key, MOST_BROUGHT);
  for (const { name } of pieces) known.add(name);
  if (pieces.length === 0) return;
  await touchPieces(key);
  await mkdir(folder, { recursive: true });
  const missing: KeptPiece[] = [];
  for (const piece of pieces) if (!(await isThere(join(folder, piece.name)))) missing.push(piece);
  for (let begin = 0; begin < missing.length; begin += BROUGHT_AT_ONCE)
    await Promise.all(missing.slice(begin, begin + BROUGHT_AT_ONCE).map((piece) => fetchPiece(piece, folder)));
}

/** One that is not what was kept is left out: it is computed again. */
async function fetchPiece({ name, storageKey, sha256 }: KeptPiece, folder: string): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await objectStore().read(storageKey)) chunks.push(chunk as Uint8Array);
  const bytes = Buffer.concat(chunks);
  if (createHash("sha256").update(bytes).digest("hex") === sha256) await writeWhole(join(folder, name), bytes);
}

async function putNew(key: string, prefix: string, folder: string, known: Set<string>): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const fresh = names.filter((name) => name.startsWith(prefix) && name.endsWith(".safetensors") && !known.has(name));
  if (fresh.length === 0) return;
  let room = await roomForPieces();
  for (const name of fresh) {
    const bytes = await readFile(join(folder, name)).catch(() => null); // the oldest go where the disk has too many
    if (bytes === null || bytes.length > room) continue;
    await keepPiece(key, name, bytes);
    known.add(name);
    room -= bytes.length;
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
