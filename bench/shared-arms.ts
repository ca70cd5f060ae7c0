import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPair } from "#lib/measure/pair-check.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { progress } from "./progress.ts";
import { starterPath } from "./starter-path.ts";
import { table } from "./table.ts";
import { evaluator, unitOf } from "./verdicts/styles.ts";

export interface SharedArmsResult {
  readonly prompts: number;
  readonly guides: number;
  /** Seconds of processor time of the first look at one guide: by itself, and where another guide's measurement has kept what the model does alone. */
  readonly alone: readonly number[];
  readonly shared: readonly number[];
  /** All guides together, as a share of as many that share nothing. */
  readonly ofLinear: number;
  /** What is kept of the model. */
  readonly pieces: number;
  readonly bytes: number;
}

/** Of one fine-tune. */
const GUIDES = 10;

/**
 * First looks at ten guides of one fine-tune, in processor time, which other work on the machine does not change. Two files stand for ten: what
 * a guide costs does not depend on its weights.
 */
export async function benchSharedArms(prompts: number, runtime: Runtime): Promise<SharedArmsResult> {
  const folder = await mkdtemp(join(tmpdir(), "guidepost-arms-"));
  try {
    const look = async (i: number, kept: string | null): Promise<number> => {
      progress(`${kept === null ? "alone" : "shared"}, guide ${i + 1}`);
      const began = process.cpuUsage();
      await checkPair(
        {
          ...unitOf("watercolor"),
          guide: starterPath(i % 2 === 0 ? "guide-tiny/guide.safetensors" : "guide-distilled/guide.safetensors"),
          base: { model: unitOf("storybook").model },
          evaluators: [evaluator],
          prompts: null,
          pictures: prompts,
          before: null,
          domain: null,
          kept: kept === null ? null : { folder: kept, key: "watercolor", evaluators: [evaluator] },
          memory: null,
        },
        runtime,
        async () => {},
      );
      const { user, system } = process.cpuUsage(began);
      return (user + system) / 1e6;
    };
    const [alone, shared]: [number[], number[]] = [[], []];
    for (let i = 0; i < 2; i++) alone.push(await look(i, null));
    for (let i = 0; i < GUIDES; i++) shared.push(await look(i, folder));
    progress("");
    const names = await readdir(folder);
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
    const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
    return {
      prompts,
      guides: GUIDES,
      alone,
      shared,
      ofLinear: sum(shared) / ((sum(alone) / alone.length) * GUIDES),
      pieces: names.length,
      bytes: sum(sizes),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const showSharedArms = ({ prompts, guides, alone, shared, ofLinear, pieces, bytes }: SharedArmsResult): string =>
  `${table([
    ["first look", "s of processor time"],
    ...alone.map((seconds) => ["one guide, nothing kept", seconds.toFixed(1)]),
    ...shared.map((seconds, i) => [i === 0 ? "the first of ten" : `guide ${i + 1}`, seconds.toFixed(1)]),
  ])}\n\n${guides} guides of one fine-tune, ${prompts} prompts each: ${ofLinear.toFixed(2)} of linear; kept are ${pieces} pieces, ${(bytes / 1e6).toFixed(1)} MB`;
