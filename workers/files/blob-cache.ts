import { linkSync, rmSync, statSync, utimesSync } from "node:fs";
import { access, link, mkdir, readdir, rename, rm, stat, truncate } from "node:fs/promises";
import { basename, join } from "node:path";
import { log } from "#lib/log.ts";
import { diskFailure } from "#lib/storage/disk-failure.ts";
import type { ObjectStore } from "#lib/storage/store.ts";
import { fetchBlob, type StoredBlob } from "./fetch-blob.ts";
import type { BlobFiles, HeldFile } from "./held-file.ts";
import { isRunning, processName } from "./process-name.ts";
import { endDeadTurn, endTurn, takeTurn } from "./turn.ts";

const LONG_GONE_MS = 7 * 86_400_000; // a process of another machine that has not taken a file for a week

/**
 * Blobs of a store elsewhere, as files here. All workers of a machine share the folder; each gives what it uses a second name of its
 * own, so that the file's count of names says to all of them whether it is in use.
 *
 *   <sha256>                        a blob, whole and verified; its time of change is that of its last use
 *   held/<host>-<pid>/<sha256>      its second name while that process uses it
 *   arriving/<sha256>/<host>-<pid>  one that is being fetched by that process, at its full size from the start
 */
export class BlobCache implements BlobFiles {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #limit: number;
  readonly #arriving: string;
  readonly #held: string;
  /** What this process holds. */
  readonly #own: string;
  readonly #users = new Map<string, number>();
  readonly #fetches = new Map<string, Promise<void>>();
  #ready: Promise<void> | undefined;

  /** @param limit in bytes; what is in use stays, even where it alone is more */
  constructor(store: ObjectStore, folder: string, limit: number) {
    this.#store = store;
    this.#folder = folder;
    this.#limit = limit;
    this.#arriving = join(folder, "arriving");
    this.#held = join(folder, "held");
    this.#own = join(this.#held, processName);
  }

  path(blob: StoredBlob): Promise<HeldFile> {
    return this.#take(blob).catch((cause: unknown) => {
      throw diskFailure(this.#folder, cause);
    });
  }

  async #take(blob: StoredBlob): Promise<HeldFile> {
    await (this.#ready ??= this.#prepare().catch((cause: unknown) => {
      this.#ready = undefined;
      throw cause;
    }));
    for (;;) {
      const held = this.#hold(blob);
      if (held) return held;
      const fetch =
        this.#fetches.get(blob.sha256) ?? this.#fetch(blob).finally(() => this.#fetches.delete(blob.sha256));
      this.#fetches.set(blob.sha256, fetch);
      await fetch;
    }
  }

  /** Our own name for a file that is here, or null. In one step of this process, so that no release comes between. */
  #hold({ sha256, size }: StoredBlob): HeldFile | null {
    const path = join(this.#own, sha256);
    const users = this.#users.get(sha256) ?? 0;
    if (users === 0 && !this.#name(sha256, size, path)) return null;
    this.#users.set(sha256, users + 1);
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      const left = this.#users.get(sha256)! - 1;
      if (left > 0) return void this.#users.set(sha256, left);
      this.#users.delete(sha256);
      rmSync(path, { force: true });
    };
    return { path, release };
  }

  #name(sha256: string, size: number, path: string): boolean {
    const cached = join(this.#folder, sha256);
    try {
      linkSync(cached, path);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === "ENOENT") return false;
      if (code !== "EEXIST") throw cause; // else we have just fetched it
    }
    const now = new Date();
    utimesSync(path, now, now);
    if (statSync(path).size === size) return true;
    for (const each of [path, cached]) rmSync(each, { force: true }); // somebody cut it: fetch it again
    return false;
  }

  /** Brings a blob here, or waits until another process has. */
  async #fetch(blob: StoredBlob): Promise<void> {
    const turn = join(this.#arriving, blob.sha256);
    const [cached, own] = [join(this.#folder, blob.sha256), join(this.#own, blob.sha256)];
    await mkdir(this.#own, { recursive: true }); // somebody may have emptied the folder
    const arriving = await takeTurn(turn, () => exists(cached));
    if (!arriving) return;
    const began = performance.now();
    try {
      await truncate(arriving, blob.size);
      await this.#makeRoom();
      await fetchBlob(this.#store, blob, arriving);
      await rm(own, { force: true });
      await link(arriving, own); // in use before it can be evicted
      await rename(arriving, cached);
    } finally {
      await endTurn(turn);
    }
    log().info({
      event: "blob.fetched",
      sha256: blob.sha256,
      bytes: blob.size,
      ms: Math.round(performance.now() - began),
    });
  }

  /** Removes what was used least recently and is in use by nobody, until everything here is within the limit. */
  async #makeRoom(): Promise<void> {
    const files: { path: string; size: number; usedAt: number; isEvictable: boolean }[] = [];
    // Folder by folder: a recursive listing fails when one of those that arrive ends its turn, and is gone, in the middle of it.
    const turns = (await namesIn(this.#arriving)).map((turn) => join(this.#arriving, turn));
    for (const folder of [this.#folder, ...turns]) {
      for (const name of await namesIn(folder)) {
        const path = join(folder, name);
        const facts = await stat(path).catch(() => null); // gone in the meantime
        if (facts?.isFile())
          files.push({
            path,
            size: facts.size,
            usedAt: facts.mtimeMs,
            isEvictable: folder === this.#folder && facts.nlink === 1,
          });
      }
    }
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of files
      .filter(({ isEvictable }) => isEvictable)
      .toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (total <= this.#limit) return;
      await rm(path, { force: true });
      total -= size;
      log().info({ event: "blob.evicted", sha256: basename(path), bytes: size });
    }
  }

  /** Takes away what processes left that ended without warning. */
  async #prepare(): Promise<void> {
    for (const folder of [this.#held, this.#arriving]) await mkdir(folder, { recursive: true });
    for (const name of await readdir(this.#held)) {
      const facts = await stat(join(this.#held, name)).catch(() => null);
      if (isRunning(name) === false || (facts && Date.now() - facts.mtimeMs > LONG_GONE_MS))
        await rm(join(this.#held, name), { recursive: true, force: true });
    }
    for (const name of await readdir(this.#arriving)) await endDeadTurn(join(this.#arriving, name));
    await mkdir(this.#own);
  }
}

/** Nothing, of a folder that is gone. */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return [];
    throw cause;
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
