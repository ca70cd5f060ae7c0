import type { Measured } from "#lib/catalog/pairs/schema.ts";
import { Curve, type Reference } from "../../_ui/chart/curve.tsx";
import { endsOf } from "../../_ui/chart/finding.ts";
import { ModeDots } from "../../_ui/chart/mode-dots.tsx";
import { RecoveredBar } from "../../_ui/chart/recovered-bar.tsx";
import { Estimate } from "../../_ui/estimate.tsx";
import { Facts } from "../../_ui/facts.tsx";
import { modeNames, modes } from "../../_ui/mode.tsx";
import { Term } from "../../_ui/term.tsx";
import { Verdict } from "../../_ui/verdict.tsx";

const bands: Readonly<Record<NonNullable<Measured["lineage"]>["band"], string>> = {
  derived: "clearly made from the guide's base",
  distant: "made from the guide's base, and far from it by now",
  doubtful: "perhaps made from the guide's base",
  unrelated: "not made from the guide's base",
};

/** L4: what the pictures show, and that is what judges. */
export function FidelitySection({
  measured: { fidelity, evaluators },
  reasons,
}: {
  readonly measured: Measured;
  readonly reasons: readonly string[];
}) {
  return (
    <section aria-labelledby="fidelity" className="min-w-0">
      <h2 id="fidelity" className="text-title">
        <Term word="prompt fidelity">Prompt fidelity</Term> — this judges
      </h2>
      {!fidelity && (
        <p className="mt-1 text-quiet">Not measured: no evaluator of this hub reads what these pictures show.</p>
      )}
      <Opinions evaluators={evaluators} />
      {fidelity && (
        <div className="mt-3 space-y-5">
          <ModeDots
            id="fidelity-modes"
            title="What a prompt asks for, and pictures show"
            finding={`${modes.map((mode) => `${modeNames[mode]} ${inWords(fidelity[mode])}`).join("; ")}; from ${fidelity.cfg.n} prompts.`}
            xName={
              fidelity.evaluator === "clip"
                ? "similarity of picture and prompt"
                : "share of the prompt's attributes kept"
            }
            values={fidelity}
          />
          {fidelity.recovered && <RecoveredBar id="recovered" of={fidelity.recovered} />}
          <Facts
            facts={[
              [
                "R, recovered",
                fidelity.recovered ? (
                  <Estimate key="r" of={fidelity.recovered} />
                ) : (
                  <span className="text-quiet">
                    anything: its interval is unbounded, for what CFG adds could be nothing
                  </span>
                ),
              ],
              ["CFG adds", <Estimate key="g" of={fidelity.gain} digits={3} />],
              ["scored", fidelity.scored.join(", ")],
              ...(fidelity.unscored.length > 0
                ? [
                    [
                      "left out",
                      fidelity.unscored
                        .map(
                          ({ attribute, accuracy }) => `${attribute} (read right in ${(100 * accuracy).toFixed(1)}%)`,
                        )
                        .join(", "),
                    ] as const,
                  ]
                : []),
              [
                "style",
                fidelity.domain
                  ? `${fidelity.domain}, on which the evaluator was tested`
                  : "any: what judges compares pictures with prompts",
              ],
            ]}
          />
        </div>
      )}
      {reasons.length > 0 && (
        <>
          <h3 className="mt-4 font-medium">What the verdict rests on</h3>
          <ul className="mt-1 list-disc space-y-1 pl-5 text-quiet">
            {reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

/** What each evaluator says by itself, where that is more than what stands above: several, or one that said nothing. */
function Opinions({ evaluators }: Pick<Measured, "evaluators">) {
  if (evaluators.length < 2 && !evaluators.some(({ silence }) => silence !== null)) return null;
  return (
    <ul aria-label="What each evaluator says" className="mt-3 space-y-2 border-l-2 border-line pl-3">
      {evaluators.map(({ sha256, repo, verdict, silence, fidelity }) => (
        <li key={sha256}>
          <span className="[overflow-wrap:anywhere]">{repo ?? <code>{sha256.slice(0, 12)}</code>}</span>{" "}
          {verdict ? (
            <>
              says <Verdict standing={verdict} />
              {fidelity?.recovered && (
                <>
                  , R = <Estimate of={fidelity.recovered} />
                </>
              )}
            </>
          ) : (
            <span className="text-quiet">said nothing. {silence ?? "Nothing was drawn."}</span>
          )}
        </li>
      ))}
    </ul>
  );
}

interface CurveOf {
  readonly key: "fvu" | "delivered" | "cosine";
  readonly title: string;
  readonly yName: string;
  readonly references: readonly Reference[];
}

const curves: readonly CurveOf[] = [
  {
    key: "fvu",
    title: "Unexplained share of the guidance",
    yName: "unexplained",
    references: [
      { y: 0, name: "as CFG: perfect", mode: "cfg" },
      { y: 1, name: "no guide", mode: "conditional" },
    ],
  },
  {
    key: "delivered",
    title: "Guidance delivered",
    yName: "share delivered",
    references: [
      { y: 1, name: "as strong as CFG", mode: "cfg" },
      { y: 0, name: "no guide", mode: "conditional" },
    ],
  },
  {
    key: "cosine",
    title: "Direction of the guidance",
    yName: "cosine",
    references: [
      { y: 1, name: "as CFG: same direction", mode: "cfg" },
      { y: 0, name: "unrelated" },
    ],
  },
];

/** L2: one step against one step of CFG. Shown, and does not judge: it says little about pictures. */
export function StepsSection({ measured: { agreement } }: { readonly measured: Measured }) {
  if (!agreement) return null;
  const { byTimestep, byGuidance, fvu, delivered, cosine } = agreement;
  return (
    <section aria-labelledby="steps" className="mt-12">
      <h2 id="steps" className="text-title">
        Single steps against CFG — shown, does not judge
      </h2>
      <p className="mt-1 max-w-[72ch] text-quiet">
        How far one step with the guide is from one step of CFG. A guide may go its own way in each step and still end
        at the same picture, so this screens for faults and no more.
      </p>
      <div className="mt-3">
        <Facts
          facts={[
            ["unexplained", <Estimate key="f" of={fvu} />],
            ["delivered", <Estimate key="d" of={delivered} />],
            ["cosine", <Estimate key="c" of={cosine} />],
          ]}
        />
      </div>
      <h3 className="mt-6 mb-2 font-semibold">By timestep, from noise to picture</h3>
      <div className="grid gap-x-8 gap-y-6 md:grid-cols-2 xl:grid-cols-3">
        {curves.map(({ key, title, ...curve }) => {
          const points = byTimestep.map((each) => ({ x: each.timestep, ...each[key] }));
          return (
            <Curve
              key={key}
              id={`timestep-${key}`}
              {...curve}
              title={`${title}, by timestep`}
              xName="timestep"
              finding={endsOf(points, "timestep")}
              points={points}
            />
          );
        })}
      </div>
      <h3 className="mt-6 mb-2 font-semibold">By guidance</h3>
      <div className="grid gap-x-8 gap-y-6 md:grid-cols-2 xl:grid-cols-3">
        {curves.map(({ key, title, ...curve }) => {
          const points = byGuidance.map((each) => ({ x: each.guidanceScale, ...each[key] }));
          return (
            <Curve
              key={key}
              id={`guidance-${key}`}
              {...curve}
              title={`${title}, by guidance`}
              xName="guidance scale"
              finding={endsOf(points, "guidance")}
              points={points}
            />
          );
        })}
      </div>
    </section>
  );
}

const inWords = ({
  value,
  low,
  high,
}: {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}): string => `${value.toFixed(2)}, between ${low.toFixed(2)} and ${high.toFixed(2)}`;

/** L0 and L1: whether it fits at all, and how close the weights lie. */
export function LineageSection({ measured: { structure, lineage } }: { readonly measured: Measured }) {
  return (
    <section aria-labelledby="lineage" className="mt-12">
      <h2 id="lineage" className="text-title">
        Structure and lineage
      </h2>
      <p className="mt-1 max-w-[72ch] text-quiet">
        Whether the guide can run on the model at all, and whether the model was made from the base that the guide was
        trained on.
      </p>
      <div className="mt-3 max-w-[72ch]">
        <Facts
          facts={[
            [
              "structure",
              structure.length === 0
                ? "✓ the guide fits: same channels, layers, text width and prediction"
                : structure.map((each) => <p key={each}>✕ {each}</p>),
            ],
            ["lineage", lineage ? `the model is ${bands[lineage.band]}` : "not measured: the guide's base is not here"],
            ...(lineage
              ? [
                  [
                    "weights",
                    `cosine with the base's ${lineage.medianCosine.toFixed(4)} (median of ${lineage.tensors} tensors; one in twenty is below ${lineage.lowCosine.toFixed(4)}), distance ${lineage.medianDistance.toFixed(4)} of their length`,
                  ] as const,
                  [
                    "trained on it",
                    lineage.guideNamesThisBase
                      ? "the guide names these very base weights"
                      : "the guide names other base weights",
                  ] as const,
                ]
              : []),
          ]}
        />
      </div>
    </section>
  );
}
