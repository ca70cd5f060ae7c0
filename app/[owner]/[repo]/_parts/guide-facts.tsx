import type { InspectionView } from "#lib/catalog/inspections/schema.ts";
import type { PairView } from "#lib/catalog/pairs/schema.ts";
import { toCount } from "../../../_page/units.ts";
import { Curve } from "../../../_ui/chart/curve.tsx";
import { Facts } from "../../../_ui/facts.tsx";
import { Hash } from "../../../_ui/hash.tsx";
import { Term } from "../../../_ui/term.tsx";

type GuideOf = NonNullable<NonNullable<InspectionView["facts"]>["guide"]>;

/** What a guide is and was trained on, as its own file says; and how much of the guidance that is asked for it delivers, as measured. */
export function GuideFacts({
  guide,
  parameters,
  pair,
}: {
  readonly guide: GuideOf;
  readonly parameters: number;
  readonly pair: PairView | null;
}) {
  const { variant, widths, minGuidance, maxGuidance, referenceGuidance, trainedOn, base } = guide;
  const cost = pair?.measured?.cost ?? null;
  const agreement = pair?.measured?.agreement ?? null;
  const points = (agreement?.byGuidance ?? []).map(({ guidanceScale, delivered }) => ({
    x: guidanceScale,
    ...delivered,
  }));
  return (
    <section aria-labelledby="guide-facts" className="space-y-6">
      <h2 id="guide-facts" className="text-title">
        How it was made, and how strong it is
      </h2>
      <div className="grid gap-x-10 gap-y-6 md:grid-cols-2">
        <Facts
          facts={[
            ["variant", `${variant}, widths ${widths.join(", ")}`],
            [
              "parameters",
              `${toCount(parameters)}${cost ? `, ${((100 * cost.guideParameters) / cost.baseParameters).toFixed(2)}% of its base's UNet` : ""}`,
            ],
            ["guidance", `${minGuidance} to ${maxGuidance}, made for ${referenceGuidance}`],
            ["predicts", base.predictionType],
            ["base weights", <Hash key="b" sha256={base.sha256} />],
            ...Object.entries(trainedOn).map(
              ([name, value]) => [name.replace(/^train\./, "training: "), value] as const,
            ),
          ]}
        />
        {points.length > 0 && pair ? (
          <div>
            <Curve
              id="strength"
              title="Residual strength: guidance delivered, by guidance asked for"
              finding={`On ${pair.finetune.repo} it delivers ${points.map(({ x, value }) => `${value.toFixed(2)} of guidance ${x}`).join(", ")}.`}
              xName="guidance scale"
              yName="share delivered"
              points={points}
              references={[{ y: 1, name: "as strong as CFG" }]}
            />
            <p className="text-small text-quiet">
              <Term word="residual strength">Residual strength</Term> as measured on{" "}
              <a href={`/pairs/${pair.id}`}>{pair.finetune.repo}</a>, one step against one step of CFG, with 95%
              intervals.
            </p>
          </div>
        ) : (
          <p className="text-quiet">
            Its <Term word="residual strength" /> is not measured yet.
          </p>
        )}
      </div>
    </section>
  );
}
