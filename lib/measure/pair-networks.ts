import { type CfgLayout, cfgLayoutFor } from "#lib/diffusion/cfg-layout.ts";
import { type GuideFile, type GuideNetwork, openGuide } from "#lib/diffusion/guide-network.ts";
import type { ModelFiles } from "#lib/diffusion/model-files.ts";
import { measuringNeed, requireMemory } from "#lib/diffusion/needs.ts";
import { ownSize, pictureSizeOf } from "#lib/diffusion/picture-size.ts";
import { openText, unetParts } from "#lib/diffusion/pipeline.ts";
import { type TextConditioner, wholePicture } from "#lib/diffusion/text-conditioner.ts";
import { openSplitUNet, type SplitUNet } from "#lib/diffusion/unet-networks.ts";
import { openVaeDecoder, type VaeDecoder } from "#lib/diffusion/vae-networks.ts";
import { vaeSize } from "#lib/diffusion/vae-size.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { type Picture, toPictures } from "#lib/picture/rgb.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { type FloatTensor, rows } from "#lib/tensor/tensor.ts";
import { inOrder } from "#lib/util/in-order.ts";
import type { Evaluator } from "./evaluator.ts";
import type { EvaluatorFiles } from "./open-evaluator.ts";
import { rowsAtOnce } from "./rows-at-once.ts";

/** The networks that a pair is measured with, and what is fed to them. */

/** Decides nothing of a measurement but the last bits of its numbers. */
export interface PassLayout {
  /** Pictures that are drawn side by side. */
  readonly rows: number;
  readonly cfg: CfgLayout;
}

/** As is fastest for a model of this size. */
export const usualLayout = (parameters: number): PassLayout => ({
  rows: rowsAtOnce(parameters),
  cfg: cfgLayoutFor(parameters),
});

export const layoutFor = ({ model }: ModelFiles, { layout }: { readonly layout?: PassLayout }): PassLayout =>
  layout ?? usualLayout(model.unet.weights.parameters);

/** @throws too_little_memory, while nothing is open yet */
export function requireRoom(
  files: ModelFiles,
  guide: GuideFile,
  evaluators: readonly EvaluatorFiles[],
  request: { readonly memory: number | null; readonly pictures: number; readonly layout?: PassLayout },
): void {
  const { memory, pictures } = request;
  if (memory === null) return;
  const { model } = files;
  const parts = unetParts(files, ownSize(model));
  const { rows, cfg: cfgLayout } = layoutFor(files, request);
  const need = measuringNeed(files, guide, {
    ...parts,
    rows,
    prompts: pictures,
    cfgLayout,
    evaluator: evaluators.flatMap((one) => one.memories(rows)),
    decodes: evaluators.some(({ looksAt }) => looksAt === "pictures"),
  });
  const { width, height } = pictureSizeOf(model, parts);
  requireMemory(
    need,
    memory,
    `Measuring ${model.name} at its own ${width} × ${height} px`,
    "measure it on a larger machine",
  );
}

export interface Networks {
  readonly files: ModelFiles;
  readonly parts: ReturnType<typeof unetParts>;
  readonly text: TextConditioner;
  readonly unet: SplitUNet;
  readonly guide: GuideNetwork;
  readonly cfgLayout: CfgLayout;
  readonly rows: number;
  readonly evaluators: readonly { readonly files: EvaluatorFiles; readonly network: Evaluator }[];
  /** Open where an evaluator looks at pictures. */
  readonly vae: VaeDecoder | null;
}

export async function openNetworks(
  files: ModelFiles,
  guide: GuideFile,
  evaluatorFiles: readonly EvaluatorFiles[],
  { rows, cfg: cfgLayout }: PassLayout,
  runtime: Runtime,
  opened: AsyncDisposableStack,
): Promise<Networks> {
  const { model } = files;
  const parts = unetParts(files, ownSize(model));
  const keep = <T extends { close(): Promise<void> }>(network: T): T => opened.adopt(network, (one) => one.close());
  const evaluators = await inOrder(evaluatorFiles, async (one) => ({
    files: one,
    network: keep(await one.open(runtime)),
  }));
  return {
    files,
    parts,
    text: keep(await openText(files, runtime)),
    unet: keep(await openSplitUNet(parts, runtime)),
    guide: keep(await openGuide(guide, parts, runtime)),
    cfgLayout,
    rows,
    evaluators,
    vae: evaluators.some(({ network }) => network.looksAt === "pictures")
      ? keep(await openVaeDecoder(model.vae, vaeSize(model, parts), runtime))
      : null,
  };
}

export const decodeWith = async ({ vae }: Networks, latents: FloatTensor): Promise<Picture[]> =>
  toPictures(await vae!.decode(latents));

export async function conditionOn(
  { text, files, parts }: Pick<Networks, "text" | "files" | "parts">,
  prompts: readonly string[],
) {
  const size = wholePicture(pictureSizeOf(files.model, parts));
  return { prompted: await text.condition(prompts, size), empty: await text.condition([null], size) };
}

/** Rows `begin` to `end` of one stream, so that a look goes on where the last one ended. */
export function drawNoise(
  { parts: { unet, height, width } }: Networks,
  seed: number,
  begin: number,
  end: number,
): FloatTensor {
  return rows(createGenerator(seed).randn([end, unet.config.inChannels, height, width]), begin, end);
}
