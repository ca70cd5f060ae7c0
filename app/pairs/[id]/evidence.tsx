import type { Measured } from "#lib/catalog/pairs/schema.ts";
import { Curve } from "../../_ui/chart/curve.tsx";
import { ModeDots } from "../../_ui/chart/mode-dots.tsx";
import { Estimate } from "../../_ui/estimate.tsx";
import { Facts } from "../../_ui/facts.tsx";
import { Term } from "../../_ui/term.tsx";

const bands: Readonly<Record<NonNullable<Measured["lineage"]>["band"], string>> = {
  derived: "clearly made from the guide's base",
  distant: "made from the guide's base, and far from it by now",
  doubtful: "perhaps made from the guide's base",
  unrelated: "not made from the guide's base",
};

/** L4: what the pictures show, and that is what judges. */
export function FidelitySection({ measured: { fidelity }, reasons }: { readonly measured: Measured; readonly reasons: readonly string[] }) {
  return (
    <section aria-labelledby="fidelity" className="mt-12">
      <h2 id="fidelity" className="text-title">
        <Term word="prompt fidelity">Prompt fidelity</Term> — this judges
      </h2>
      <div className="mt-3 grid gap-x-10 gap-y-6 md:grid-cols-2">
        {fidelity ? (
          <ModeDots
            id="fidelity-modes"
            title="What a prompt asks for, and pictures show"
            finding={`Conditional ${fidelity.conditional.value.toFixed(2)}, guide ${fidelity.guide.value.toFixed(2)}, CFG ${fidelity.cfg.value.toFixed(2)}.`}
            xName="share of the prompt's attributes kept"
            values={{ conditional: fidelity.conditional, guide: fidelity.guide, cfg: fidelity.cfg }}
          />
        ) : (
          <p className="text-quiet">Nothing read the pictures: the base has no evaluator, so prompt fidelity is not measured.</p>
        )}
        <div className="space-y-4">
          {fidelity && (
            <Facts
              facts={[
                ["CFG adds", <Estimate key="g" of={fidelity.gain} digits={3} />],
                ["R, recovered", fidelity.recovered ? <Estimate key="r" of={fidelity.recovered} /> : <span className="text-quiet">CFG adds nothing to recover</span>],
                ["scored", fidelity.scored.join(", ")],
                ...(fidelity.unscored.length > 0 ? [["left out", fidelity.unscored.map(({ attribute, accuracy }) => `${attribute} (read right in ${(100 * accuracy).toFixed(1)} %)`).join(", ")] as const] : []),
                ["style known as", fidelity.domain ?? "none that the evaluator was validated on"],
              ]}
            />
          )}
          <ul className="list-disc space-y-1 pl-5 text-quiet">
            {reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </div>
      </div>
    </section>
  );
}

/** L2: one step against one step of CFG. Shown, and does not judge: it says little about pictures. */
export function StepsSection({ measured: { agreement } }: { readonly measured: Measured }) {
  if (!agreement) return null;
  const { byTimestep, byGuidance, fvu, delivered, cosine } = agreement;
  const curves = [
    { key: "fvu", title: "Unexplained share of the guidance", yName: "unexplained", references: [{ y: 0, name: "perfect" }, { y: 1, name: "no guide" }] },
    { key: "delivered", title: "Guidance delivered", yName: "share delivered", references: [{ y: 1, name: "as strong as CFG" }] },
    { key: "cosine", title: "Direction of the guidance", yName: "cosine", references: [{ y: 1, name: "same direction" }] },
  ] as const;
  return (
    <section aria-labelledby="steps" className="mt-12">
      <h2 id="steps" className="text-title">
        Single steps against CFG — shown, does not judge
      </h2>
      <p className="max-w-[72ch] text-quiet">How far one step with the guide is from one step of CFG. A guide may go its own way in each step and still end at the same picture, so this screens for faults and no more.</p>
      <div className="mt-3">
        <Facts
          facts={[
            ["unexplained", <Estimate key="f" of={fvu} />],
            ["delivered", <Estimate key="d" of={delivered} />],
            ["cosine", <Estimate key="c" of={cosine} />],
          ]}
        />
      </div>
      <h3 className="mt-6 mb-2 font-semibold">By timestep</h3>
      <div className="grid gap-x-8 gap-y-6 md:grid-cols-2 xl:grid-cols-3">
        {curves.map(({ key, ...curve }) => (
          <Curve key={key} id={`timestep-${key}`} {...curve} xName="timestep (from noise to picture)" finding={range(byTimestep.map((each) => each[key].value))} points={byTimestep.map((each) => ({ x: each.timestep, ...each[key] }))} />
        ))}
      </div>
      <h3 className="mt-6 mb-2 font-semibold">By guidance</h3>
      <div className="grid gap-x-8 gap-y-6 md:grid-cols-2 xl:grid-cols-3">
        {curves.map(({ key, ...curve }) => (
          <Curve key={key} id={`guidance-${key}`} {...curve} xName="guidance scale" finding={range(byGuidance.map((each) => each[key].value))} points={byGuidance.map((each) => ({ x: each.guidanceScale, ...each[key] }))} />
        ))}
      </div>
    </section>
  );
}

const range = (values: readonly number[]): string => `From ${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}.`;

/** L0 and L1: whether it fits at all, and how close the weights lie. */
export function LineageSection({ measured: { structure, lineage } }: { readonly measured: Measured }) {
  return (
    <section aria-labelledby="lineage" className="mt-12">
      <h2 id="lineage" className="text-title">
        Structure and lineage
      </h2>
      <div className="mt-3 max-w-[72ch]">
        <Facts
          facts={[
            ["structure", structure.length === 0 ? "✓ the guide fits: same channels, layers, text width and prediction" : structure.map((each) => <p key={each}>✕ {each}</p>)],
            ["lineage", lineage ? bands[lineage.band] : "not measured: the guide's base is not here"],
            ...(lineage
              ? [
                  ["weights", `median cosine ${lineage.medianCosine.toFixed(4)}, lowest tenth ${lineage.lowCosine.toFixed(4)}, median distance ${lineage.medianDistance.toFixed(4)}, over ${lineage.tensors} tensors`] as const,
                  ["trained on it", lineage.guideNamesThisBase ? "the guide names these very base weights" : "the guide names other base weights"] as const,
                ]
              : []),
          ]}
        />
      </div>
    </section>
  );
}
