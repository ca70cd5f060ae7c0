/**
 * CLIP text encoder. Our names are those of the transformer itself; transformers up to 4 writes them under `text_model.`,
 * transformers 5 does not. `position_ids` is a table 0, 1, 2 … that old versions saved.
 */
export function clipName(foreign: string): string | null {
  const name = foreign.startsWith("text_model.") ? foreign.slice("text_model.".length) : foreign;
  return name === "embeddings.position_ids" ? null : name;
}
