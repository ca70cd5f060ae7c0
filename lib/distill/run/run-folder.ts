import { mkdir, readdir, readFile, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { readJson } from "#lib/util/read-json.ts";
import { writeWhole } from "#lib/util/write-whole.ts";
import { baseSchema } from "../base-schema.ts";
import { recipeSchema } from "../recipe.ts";
import { onDisk } from "./disk.ts";
import { type Lock, takeLock } from "./lock.ts";

/** What a run is, from its first moment on: with it and the base it can go on anywhere. */
export const runSchema = z.object({ recipe: recipeSchema, base: baseSchema });
export type Run = z.infer<typeof runSchema>;

/**
 * An output folder while its guide is made:
 *
 *     my-guide/run/run.json                 recipe and base
 *     my-guide/run/prompts.txt              what the base is asked to draw
 *     my-guide/run/lock/                    who works here
 *     my-guide/run/states/0.safetensors …   the base's own states
 *     my-guide/run/checkpoint.safetensors   how far the training is
 *
 * When the guide is written beside it, `run` is removed.
 */
export class RunFolder {
  readonly output: string;
  readonly #lock: Lock;

  private constructor(output: string, lock: Lock) {
    this.output = output;
    this.#lock = lock;
  }

  /** @throws conflict where the folder has anything in it; bad_request where it cannot be made */
  static async begin(output: string): Promise<RunFolder> {
    await requireFree(output);
    return await onDisk(
      output,
      () => "begin again",
      async () => {
        await mkdir(join(output, "run"), { recursive: true });
        return new RunFolder(output, await takeLock(join(output, "run", "lock")));
      },
    );
  }

  /** @throws file_not_found where no run is to go on with; conflict where another process does */
  static async goOn(output: string): Promise<RunFolder> {
    const hasRun = await isThere(join(output, "run", "run.json"));
    if (!hasRun) {
      const why = (await isThere(join(output, "guide.safetensors")))
        ? "has a finished guide, and nothing to go on with"
        : "has no run to go on with";
      throw new AppError("file_not_found", `${output} ${why}; begin one with guidepost distill BASE -o FOLDER.`, {
        output,
      });
    }
    return new RunFolder(output, await takeLock(join(output, "run", "lock")));
  }

  path(...names: readonly string[]): string {
    return join(this.output, "run", ...names);
  }

  async writeRun(run: Run, prompts: readonly string[]): Promise<void> {
    await mkdir(this.path("states"), { recursive: true });
    await writeWhole(this.path("prompts.txt"), Buffer.from(`${prompts.join("\n")}\n`));
    await writeWhole(this.path("run.json"), Buffer.from(`${JSON.stringify(run, null, 2)}\n`)); // last, as a run is one that has it
  }

  async readRun(): Promise<{ run: Run; prompts: readonly string[] }> {
    const path = this.path("run.json");
    const parsed = runSchema.safeParse(await readJson(path, path));
    if (!parsed.success)
      throw new AppError(
        "bad_request",
        `${path} is not of a run that this version of Guidepost goes on with (${parsed.error.issues[0]!.path.join(".")}); begin a new one in another folder.`,
      );
    const prompts = (await readFile(this.path("prompts.txt"), "utf8")).trimEnd().split("\n");
    return { run: parsed.data, prompts };
  }

  /** The run is over and its guide stands beside it. */
  async remove(): Promise<void> {
    await rm(this.path(), { recursive: true, force: true });
  }

  /** Leaves the run as it is, for whoever goes on. A folder in which nothing was begun goes too. */
  async close(): Promise<void> {
    await this.#lock.release();
    if (await isThere(this.path("run.json"))) return;
    await this.remove();
    await rmdir(this.output).catch(() => {}); // where it holds a guide it stays
  }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

async function requireFree(output: string): Promise<void> {
  const names = await readdir(output).catch((cause: NodeJS.ErrnoException): string[] => {
    if (cause.code === "ENOENT") return [];
    const why = cause.code === "ENOTDIR" ? "is a file" : `cannot be read (${cause.code})`;
    throw new AppError(
      "bad_request",
      `${output} ${why}; give a folder that is empty or not there yet.`,
      { output },
      cause,
    );
  });
  if (names.length === 0) return;
  const holds = names.includes("run")
    ? `holds a run that was begun; go on with it by --resume ${output}, or give another folder`
    : `is in use: ${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""} is in it; give a folder that is empty or not there yet`;
  throw new AppError("conflict", `${output} ${holds}.`, { output });
}
