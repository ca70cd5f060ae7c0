import type { Control } from "./controls.ts";
import type { WallTime } from "./cost.ts";
import type { Frechet, StepsFound, StepsRow } from "./distances.ts";
import type { DialPoint, WaysFound } from "./ways.ts";

/** What docs/claims.json holds. */
export interface Claims {
  readonly guide: { readonly sha256: string };
  readonly parameters: {
    /** Of the base's UNet. */
    readonly share: number;
    readonly base: number;
    readonly guide: number;
    /** Parameters of the base that training changed; null where no record tells. */
    readonly trainableOfBase: number | null;
  };
  readonly compute: {
    readonly macsRatio: number;
    /** Of the denoising loop on the starter. */
    readonly wallRatio: number;
    readonly starter: WallTime;
    readonly sd15: WallTime | null;
  };
  readonly dial: readonly (DialPoint & { readonly name: string; readonly n: number })[];
  readonly transfer: readonly TransferRow[];
  readonly steps: readonly StepsRow[];
  readonly cfgAt50: StepsFound["cfg"] | null;
  readonly controls: readonly Control[];
}

export interface TransferRow {
  readonly name: string;
  readonly verdict: string;
  /** What is read well enough in this style to count. */
  readonly scored: readonly string[];
  readonly recovered: {
    readonly value: number;
    readonly interval: readonly [number, number];
    readonly n: number;
  } | null;
  /** The guidance at which CFG keeps as much; null where CFG adds nothing. */
  readonly deliveredGuidance: number | null;
  readonly fidelity: WaysFound["fidelity"];
  /** CFG in its first steps only, then no guidance. */
  readonly interval: WaysFound["interval"];
  readonly conditionalDistance: number;
  /** Null in a quick run: too few pictures. */
  readonly frechet: Frechet | null;
  readonly fvu: number | null;
  readonly delivered: number | null;
  /** Prompts of `fidelity`, `interval` and the dial. */
  readonly n: number;
}
