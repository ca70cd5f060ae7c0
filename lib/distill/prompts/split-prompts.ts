/** At most so many are held out, and of a short list one in so many. */
export const MOST_HELD_OUT = 16;
const ONE_IN = 8;

export interface SplitPrompts {
  readonly training: readonly string[];
  /** Of a list too short to spare any these are trained on too, from other noise. */
  readonly heldOut: readonly string[];
}

export function splitPrompts(prompts: readonly string[]): SplitPrompts {
  const spared = Math.min(MOST_HELD_OUT, Math.floor(prompts.length / ONE_IN));
  if (spared === 0) return { training: prompts, heldOut: prompts.slice(0, MOST_HELD_OUT) };
  return { training: prompts.slice(0, -spared), heldOut: prompts.slice(-spared) };
}
