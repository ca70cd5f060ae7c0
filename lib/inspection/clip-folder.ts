import { lastStates, textEncoderGraph } from "#lib/diffusion/text-encoder-graph.ts";
import { type ClipFiles, readClip } from "#lib/measure/clip/clip-files.ts";
import { visionGraph } from "#lib/measure/clip/vision-graph.ts";
import { externalParameters } from "#lib/nn/parameters/external.ts";
import { requireDiskFolder } from "#lib/weights/disk-folder.ts";
import { basename } from "node:path";
import { amountOf, type Tensors } from "./facts.ts";
import { blank, type Inspection } from "./inspection.ts";
import { sentenceOf } from "./sentence.ts";
import { notAsItIs } from "./what-runs.ts";

/** The folder of a whole CLIP, and whether both towers are those that its config calls for. */
export async function inspectClip(path: string, tensors: Tensors): Promise<Inspection> {
  const problems = await readClip(await requireDiskFolder(path))
    .then(requireWhole)
    .then(
      () => [],
      (failure: unknown) => [sentenceOf(failure)],
    );
  const runs = problems.length === 0;
  return {
    ...blank,
    name: basename(path),
    kind: "CLIP folder",
    form: "CLIPModel",
    ...amountOf(tensors),
    evaluator: runs ? { kind: "clip", words: {}, domains: [] } : null,
    weightsFitConfig: runs,
    runs,
    whatRuns: runs ? "use it with check --evaluator; it compares pictures with any prompt" : notAsItIs,
    problems,
  };
}

async function requireWhole({ config, text, vision }: ClipFiles): Promise<void> {
  visionGraph(config, externalParameters(vision));
  vision.requireAllTaken();
  textEncoderGraph(config.text, externalParameters(text.weights), lastStates);
  text.weights.requireAllTaken();
  await text.openTokenizer();
}
