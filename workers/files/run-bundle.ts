import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { writeWhole } from "#lib/util/write-whole.ts";

/** All of a run's folder that another worker cannot work out for itself. Its states it can, and most are in the store besides. */
const names = ["run.json", "prompts.txt", "checkpoint.safetensors"] as const;

const bundleSchema = z.object({
  format: z.literal("guidepost-run/1"),
  files: z.array(z.object({ name: z.enum(names), bytes: z.instanceof(Uint8Array) })),
});

/** The run in `output` as one checkpoint; null before it is begun. */
export async function packRun(output: string): Promise<Uint8Array | null> {
  const files = [];
  for (const name of names) {
    const bytes = await readFile(join(output, "run", name)).catch(() => null);
    if (bytes) files.push({ name, bytes: new Uint8Array(bytes) });
  }
  return files.some(({ name }) => name === "run.json") ? serialize({ format: "guidepost-run/1", files }) : null;
}

/** Lays a run out where `packRun` would find it. @throws conflict for what no worker of this version packed */
export async function unpackRun(output: string, packed: Uint8Array): Promise<void> {
  const parsed = bundleSchema.safeParse(read(packed));
  if (!parsed.success)
    throw new AppError(
      "conflict",
      "What was kept of this run cannot be read by this version of the hub; cancel it and begin it anew.",
    );
  await mkdir(join(output, "run", "states"), { recursive: true });
  for (const { name, bytes } of parsed.data.files) await writeWhole(join(output, "run", name), bytes);
}

function read(packed: Uint8Array): unknown {
  try {
    return deserialize(packed);
  } catch {
    return null;
  }
}
