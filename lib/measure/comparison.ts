import type { SamplerName } from "#lib/sampler-names.ts";
import type { Reading } from "./arm.ts";

/** What is drawn and read alike in every way of drawing that is compared. */
export interface Comparison extends Reading {
  readonly sampler: SamplerName;
  readonly steps: number;
  /** What is asked for where nobody says otherwise. */
  readonly guidanceScale: number;
  /** Those that the guide was made for. */
  readonly range: { readonly minGuidance: number; readonly maxGuidance: number };
  readonly rowsAtOnce: number;
}
