import type { StoredSummary } from "./schema.ts";

/** What a look costs besides its pictures, in pictures: opening three networks, and at the first one 16 prompts of one-step agreement. */
const BESIDES_PICTURES = 16;

/** Of the look that a pair waits for: what it draws beyond those before it. */
export const workOf = ({ request: { pictures }, measured }: StoredSummary): number =>
  BESIDES_PICTURES + Math.max(1, pictures - (measured?.fidelity?.cfg.n ?? 0));
