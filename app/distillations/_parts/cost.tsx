import type { DistillationCost } from "#lib/catalog/distillations/schema.ts";
import { toBytes, toDuration, toParameters } from "../../_page/units.ts";
import { Facts } from "../../_ui/facts.tsx";
import { toMacs, toShare } from "./words.ts";

/** What a guide costs, before it is begun. */
export function Cost({ cost: { parameters, share, memory, macs, seconds } }: { readonly cost: DistillationCost }) {
  return (
    <Facts
      facts={[
        ["guide", `about ${toParameters(parameters)} parameters, at most ${toShare(share)} of the base’s`],
        ["memory", `about ${toBytes(memory)} of a worker`],
        [
          "work",
          `${toMacs(macs.states)} multiply–accumulates to draw what it learns from, ${toMacs(macs.training)} to learn`,
        ],
        [
          "time",
          seconds === null
            ? "not known before this hub has made its first guide; a worker times a pass when it begins, and says it then"
            : `about ${toDuration(Math.max(10, seconds))} of one worker, by what the last ones took`,
        ],
      ]}
    />
  );
}
