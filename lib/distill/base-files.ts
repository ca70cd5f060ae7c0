import { stat } from "node:fs/promises";
import { type ModelFiles, usedFiles } from "#lib/diffusion/model-files.ts";
import { AppError } from "#lib/errors.ts";
import { inOrder } from "#lib/util/in-order.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import type { BaseFiles } from "./base-schema.ts";

/** Reads every byte: some seconds for each gigabyte. */
export async function readBase(files: ModelFiles, config: string | null): Promise<BaseFiles> {
  const { model } = files;
  const hashed = await inOrder(deciding(files), async ({ role, name, path }) => ({
    role,
    name,
    path,
    sha256: await sha256OfFile(path),
  }));
  const main = hashed.find(({ path }) => path === model.unet.files[0]!.path)!;
  return {
    name: model.name,
    path: model.path,
    config,
    sha256: main.sha256,
    files: hashed.map(({ role, name, sha256 }) => ({ role, name, sha256 })),
  };
}

/** The VAE neither predicts nor is asked to. */
const deciding = (files: ModelFiles) => usedFiles(files).filter(({ role }) => role !== "vae");

/** The first file that is not what it was, by name; null where all are. What the folder is called now says nothing. */
export function differenceOf(before: BaseFiles, after: BaseFiles): string | null {
  const differs = after.files.find(({ role, sha256 }, i) => {
    const own = before.files[i];
    return own?.role !== role || own.sha256 !== sha256;
  });
  if (differs) return differs.name;
  return before.files.length > after.files.length ? before.files[after.files.length]!.name : null;
}

/**
 * Watches a base that must not change while a run reads it. Asking costs a look at sizes and times; bytes are read only where those
 * differ, and in the end.
 */
export class FrozenBase {
  readonly #files: ModelFiles;
  readonly #before: BaseFiles;
  #seen: string | null = null; // at first nothing, and every byte is read once

  constructor(files: ModelFiles, before: BaseFiles) {
    this.#files = files;
    this.#before = before;
  }

  /** @throws conflict where a file is not what it was; `goingOn` says how the run goes on when it is again */
  async requireUnchanged(goingOn: () => string, how: "at a glance" | "every byte" = "at a glance"): Promise<void> {
    const looks = await this.#looks();
    if (how === "at a glance" && looks === this.#seen) return;
    const changed = looks === null ? this.#before.name : differenceOf(this.#before, await readBase(this.#files, null));
    if (changed !== null)
      throw new AppError(
        "conflict",
        `The base changed while a guide was made of it (${changed} is not what it was), so none was written; put the file back and ${goingOn()}.`,
        { changed },
      );
    this.#seen = looks;
  }

  /** Null where a file is gone. */
  async #looks(): Promise<string | null> {
    const facts = await inOrder(deciding(this.#files), ({ path }) => stat(path).catch(() => null));
    if (facts.includes(null)) return null;
    return JSON.stringify(facts.map((one) => [one!.ino, one!.size, one!.mtimeMs]));
  }
}
