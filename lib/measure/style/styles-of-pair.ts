import type { ModelFiles } from "#lib/diffusion/model-files.ts";
import { AppError } from "#lib/errors.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { StyleTest } from "#lib/pairing/style-test.ts";
import type { Networks } from "../pair-networks.ts";
import type { Tick } from "../tick.ts";
import { knownStyle } from "../known-styles.ts";
import { measureStyle } from "./measure-style.ts";

/** By the place of each evaluator how well it reads the model's style, where the hub measured that; null of every other. */
export type StyleTests = readonly (StyleTest | null)[];

/** What a style is called that nobody but the hub has measured. */
export const OWN_STYLE = "the model's own";

/**
 * Lets evaluators know the style of a model that nobody rendered pictures in: what was measured of it before, else what is measured now.
 *
 * @param base  null where it is not known, or is not to be drawn with
 * @returns null where nothing can be measured of it
 */
export async function learnStyle(
  networks: Networks,
  { earlier, base }: { readonly earlier: StyleTests; readonly base: ModelFiles | null },
  runtime: Runtime,
  tick: Tick,
): Promise<StyleTests | null> {
  const reading = networks.evaluators.flatMap(({ files, network }, place) =>
    network.known !== null && readsLatentsOf(networks, files.latents) ? [{ place, known: network.known }] : [],
  );
  if (reading.length === 0) return null;
  const known = reading.map((one) => one.known);
  const found = reading.every(({ place }) => earlier[place])
    ? reading.map(({ place }) => earlier[place]!)
    : base && (await measureStyle(networks, known, base, runtime, tick).catch(unlessNoNumber));
  if (found === null) return null;
  for (const [i, { known }] of reading.entries()) known.learn(OWN_STYLE, found[i]!);
  return networks.evaluators.map((_one, place) => found[reading.findIndex((one) => one.place === place)] ?? null);
}

/**
 * What a model's style is called, for who studies a pair whose verdict has been given: known by its bytes, or as the hub measured it for
 * that verdict.
 */
export async function styleForStudy(
  networks: Networks,
  { domain, styles = [] }: { readonly domain: string | null; readonly styles?: StyleTests },
  runtime: Runtime,
): Promise<{ readonly domain: string | null; readonly styles: StyleTests | null }> {
  const known = domain ?? (await knownStyle(networks.files));
  if (known !== null) return { domain: known, styles: null };
  const learned = await learnStyle(networks, { earlier: styles, base: null }, runtime, async () => {});
  return { domain: learned && OWN_STYLE, styles: learned };
}

/** A model that draws no numbers has no style; what is wrong with it single steps tell. */
function unlessNoNumber(failure: unknown): null {
  if (failure instanceof AppError && failure.code === "not_finite") return null;
  throw failure;
}

/** @param latents  of one picture, what an evaluator reads; null where any picture does */
export const readsLatentsOf = (
  { parts: { unet, height, width } }: Pick<Networks, "parts">,
  latents: readonly number[] | null,
): boolean => latents === null || latents.join() === [unet.config.inChannels, height, width].join();
