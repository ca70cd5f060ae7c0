/** A weights file of a component, or the index that lists its shards. */
export interface WeightsChoice {
  readonly name: string;
  readonly isIndex: boolean;
}

/**
 * What a component's folder offers, the preferred first: plain before its variants, a whole file before shards. Diffusers and
 * transformers spell them so:
 *
 *   model.safetensors         model.safetensors.index.json         model-00001-of-00002.safetensors
 *   model.fp16.safetensors    model.safetensors.index.fp16.json    model.fp16-00001-of-00002.safetensors
 *                             model.fp16.safetensors.index.json    model-00001-of-00002.fp16.safetensors
 */
export function weightsChoices(present: Iterable<string>, stem: string): WeightsChoice[] {
  const choices = [...present].flatMap((name) => {
    if (!name.startsWith(`${stem}.`)) return [];
    const rest = name.slice(stem.length);
    const file = /^(?:\.(\w{1,40}))?\.safetensors$/.exec(rest);
    if (file) return [{ name, isIndex: false, variant: file[1] ?? "" }];
    const index =
      /^\.safetensors\.index(?:\.(\w{1,40}))?\.json$/.exec(rest) ??
      /^\.(\w{1,40})\.safetensors\.index\.json$/.exec(rest);
    return index ? [{ name, isIndex: true, variant: index[1] ?? "" }] : [];
  });
  const byPreference = choices.toSorted(
    (a, b) =>
      rankOf(a.variant) - rankOf(b.variant) || Number(a.isIndex) - Number(b.isIndex) || (a.name < b.name ? -1 : 1),
  );
  return byPreference.map(({ name, isIndex }) => ({ name, isIndex }));
}

/** One whose meaning is known stands before one whose is not; what is for drawing before what is for training on. */
const variants: readonly string[] = ["", "fp16", "bf16", "fp32", "ema", "non_ema"];

const rankOf = (variant: string): number => (variants.includes(variant) ? variants.indexOf(variant) : variants.length);
