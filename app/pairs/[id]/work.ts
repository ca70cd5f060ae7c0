import type { Measured } from "#lib/catalog/pairs/schema.ts";
import type { Mode } from "../../_ui/mode.tsx";

/** Of one picture: how often the UNet runs, and its multiply–accumulates, those of the guide included. Counted, not measured. */
export interface Work {
  readonly passes: number;
  readonly macs: number;
  readonly againstCfg: number;
}

/** CFG runs the base twice a step; the guide runs it once, and itself; without guidance it runs once. */
export function workOf({
  cost,
  protocol: { steps },
}: Pick<Measured, "cost" | "protocol">): Readonly<Record<Mode, Work>> | null {
  const [base, guide] = [cost?.base["total"], cost?.guide["total"]];
  if (base === undefined || guide === undefined) return null;
  const of = (passes: number, macs: number): Work => ({ passes, macs, againstCfg: macs / (2 * steps * base) });
  return {
    conditional: of(steps, steps * base),
    guide: of(steps, steps * (base + guide)),
    cfg: of(2 * steps, 2 * steps * base),
  };
}

/** 5.9 G, 0.29 T: of multiply–accumulates. */
export function toMacs(macs: number): string {
  const [value, unit] = macs < 1e9 ? [macs / 1e6, "M"] : macs < 1e12 ? [macs / 1e9, "G"] : [macs / 1e12, "T"];
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}
