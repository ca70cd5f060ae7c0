import { createHash } from "node:crypto";
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { jsonString } from "#lib/util/json-string.ts";
import { writeWhole } from "#lib/util/write-whole.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";

/** What a model predicts by itself at one state. */
export interface TeacherStep {
  readonly conditional: FloatTensor;
  readonly cfg: FloatTensor;
}

/** By prompt, how well pictures without a guide keep to it as one evaluator reads them, and its features of them. */
export interface KeptAlone extends Readonly<Record<"conditional" | "cfg", readonly number[]>> {
  /** [n, d] */
  readonly features: Readonly<Record<"conditional" | "cfg", FloatTensor>>;
}

/**
 * What a model does by itself in a measurement, in the order of the measurement. It is the same for all its guides: recorded with the
 * first, played back for every other, to the same bit.
 */
export class TeacherTape {
  readonly #steps: TeacherStep[];
  #kept: readonly KeptAlone[] | null;
  #next = 0;
  readonly isPlayed: boolean;

  constructor(recorded: { readonly steps: readonly TeacherStep[]; readonly kept: readonly KeptAlone[] | null } | null) {
    this.#steps = [...(recorded?.steps ?? [])];
    this.#kept = recorded?.kept ?? null;
    this.isPlayed = recorded !== null;
  }

  async step(predict: () => Promise<TeacherStep>): Promise<TeacherStep> {
    const known = this.#steps[this.#next++];
    if (known) return known;
    const made = await predict();
    this.#steps.push(made);
    return made;
  }

  get kept(): readonly KeptAlone[] | null {
    return this.#kept;
  }

  keep(kept: readonly KeptAlone[]): void {
    this.#kept = kept;
  }

  /** A safetensors file: «12.cfg» is CFG's prediction at the thirteenth state, «features.0.cfg» what the first evaluator sees in its pictures. */
  toBytes(): Uint8Array {
    const tensors = new Map<string, FloatTensor>(
      this.#steps.flatMap(({ conditional, cfg }, i) => [
        [`${i}.conditional`, conditional] as const,
        [`${i}.cfg`, cfg] as const,
      ]),
    );
    for (const [i, { features }] of (this.#kept ?? []).entries())
      for (const mode of ["conditional", "cfg"] as const) tensors.set(`features.${i}.${mode}`, features[mode]);
    return writeSafetensors(
      tensors,
      new Map([
        ["steps", String(this.#steps.length)],
        ["kept", JSON.stringify(this.#kept?.map(({ conditional, cfg }) => ({ conditional, cfg })) ?? null)],
      ]),
    );
  }
}

/** Where tapes are kept. `key` names the model's weights. */
export interface TapePlace {
  readonly folder: string;
  readonly key: string;
}

/** One gigabyte: a hundred of the starter's size, six of SD 1.5's. */
const MAX_BYTES = 1e9;

/** The tape of a model under these circumstances, everything that decides its numbers; an empty one where there is none or it is broken. */
export async function openTape(
  { folder, key }: TapePlace,
  circumstances: object,
): Promise<{ tape: TeacherTape; save: () => Promise<void> }> {
  const name = `${createHash("sha256")
    .update(JSON.stringify([key, circumstances]))
    .digest("hex")}.safetensors`;
  const path = join(folder, name);
  const tape = new TeacherTape(await readTape(path).catch(() => null)); // what cannot be read is made anew
  const save = async (): Promise<void> => {
    if (tape.isPlayed) return utimes(path, new Date(), new Date()).catch(() => {}); // removed meanwhile
    await mkdir(folder, { recursive: true })
      .then(() => writeWhole(path, tape.toBytes()))
      .catch(() => {}); // a full disk costs the next check its time, not this one its result
    await removeOldest(folder);
  };
  return { tape, save };
}

const metadata = z.object({
  steps: z.coerce.number().int().min(0),
  kept: jsonString(z.array(z.object({ conditional: z.array(z.number()), cfg: z.array(z.number()) })).nullable()),
});

async function readTape(path: string): Promise<{ steps: TeacherStep[]; kept: readonly KeptAlone[] | null }> {
  const source = await openFile(path);
  try {
    const header = await readHeader(source);
    const { steps: count, kept } = metadata.parse(Object.fromEntries(header.metadata));
    const steps: TeacherStep[] = [];
    const tensor = (name: string): Promise<FloatTensor> => readTensor(source, header.tensors.get(name)!);
    for (let i = 0; i < count; i++)
      steps.push({ conditional: await tensor(`${i}.conditional`), cfg: await tensor(`${i}.cfg`) });
    if (kept === null) return { steps, kept };
    const withFeatures: KeptAlone[] = [];
    for (const [i, scores] of kept.entries()) {
      const of = (mode: "conditional" | "cfg") => tensor(`features.${i}.${mode}`);
      withFeatures.push({ ...scores, features: { conditional: await of("conditional"), cfg: await of("cfg") } });
    }
    return { steps, kept: withFeatures };
  } finally {
    await source.close();
  }
}

async function removeOldest(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const files = await Promise.all(
    names.map(async (name) => ({ name, facts: await stat(join(folder, name)).catch(() => null) })),
  );
  let bytes = 0;
  for (const { name, facts } of files.toSorted((a, b) => (b.facts?.mtimeMs ?? 0) - (a.facts?.mtimeMs ?? 0))) {
    bytes += facts?.size ?? 0;
    if (bytes > MAX_BYTES) await rm(join(folder, name), { force: true });
  }
}
