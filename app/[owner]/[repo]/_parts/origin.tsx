import { can } from "#lib/catalog/kinds.ts";
import type { InspectionView } from "#lib/catalog/inspections/schema.ts";
import { whyNotRunning } from "#lib/catalog/inspections/why-not.ts";
import type { RepoItem } from "#lib/catalog/repos/schema.ts";
import type { Trigger } from "#lib/inspection/trigger-words.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { samplerLabels } from "#lib/sampler-names.ts";
import { Facts } from "../../../_ui/facts.tsx";
import { Notice } from "../../../_ui/notice.tsx";
import { Term } from "../../../_ui/term.tsx";
import { toParameters, toPlural } from "../../../_page/units.ts";

const RepoLink = ({ repo }: { readonly repo: string | null }) =>
  repo === null ? <span className="text-quiet">one that you may not see</span> : <a href={`/${repo}`}>{repo}</a>;

const saysAccelerator = ({ name, from, sampler, steps, guidance }: Accelerator): string =>
  `${name} (${from}): ${toPlural(steps, "step")} of ${samplerLabels[sampler]}, guidance ${guidance}`;

type Accelerator = NonNullable<NonNullable<NonNullable<InspectionView["facts"]>["lowRank"]>["accelerator"]>;

const whatNext = (mayWrite: boolean): string =>
  `The files are kept as they came. ${mayWrite ? "Upload a better version in their place, and it is read again." : "Its owner can upload a better version in their place."}`;

/** What a worker that read every byte says of a commit: what it is, and which base it was made from, declared against detected. */
export function Origin({
  inspection,
  kind,
  triggers,
  mayWrite,
}: {
  readonly inspection: InspectionView | null;
  readonly kind: RepoItem["kind"];
  readonly triggers: readonly Trigger[];
  readonly mayWrite: boolean;
}) {
  if (!inspection) return <p className="text-quiet">No worker has read it yet.</p>;
  const { problem, facts } = inspection;
  if (isUnfinished(inspection))
    return <Notice>A worker is reading every byte of the newest version; what it is stands here in a moment.</Notice>;
  if (!facts)
    return (
      <Notice kind="bad">
        {problem ?? "It could not be inspected."} {whatNext(mayWrite)}
      </Notice>
    );
  const {
    declaredBase,
    detectedBase,
    fittingBases,
    agrees,
    problems,
    runs,
    parameters,
    dtypes,
    form,
    family,
    lowRank,
    prediction,
    nativeSize,
  } = facts;
  return (
    <div className="space-y-3">
      {!runs && (
        <Notice kind="bad">
          It cannot be used as it is. {whyNotRunning(facts)} {whatNext(mayWrite)}
        </Notice>
      )}
      {runs &&
        problems.map((sentence) => (
          <Notice key={sentence} kind="careful">
            {sentence}
          </Notice>
        ))}
      {agrees === false && (
        <Notice kind="careful">
          It says that it was made from <RepoLink repo={declaredBase?.repo ?? null} />, but it fits{" "}
          <RepoLink repo={detectedBase?.repo ?? null} />. Measurements use what was detected.
        </Notice>
      )}
      <Facts
        facts={[
          ["is a", `${facts.kind}${form ? ` (${form})` : ""}`],
          ...(family ? [["network", family] as const] : []),
          ...(prediction ? [["predicts", prediction.type] as const] : []),
          ...(nativeSize ? [["draws", `${nativeSize.width} × ${nativeSize.height} pixels`] as const] : []),
          ...(lowRank?.accelerator ? [["shortens sampling", saysAccelerator(lowRank.accelerator)] as const] : []),
          ...(parameters > 0
            ? [["parameters", `${toParameters(parameters)} in ${dtypes.map(({ dtype }) => dtype).join(", ")}`] as const]
            : []),
          ...(lowRank
            ? [
                [
                  "changes",
                  `${Object.entries(lowRank.layers)
                    .map(([network, count]) => `${toPlural(count, "layer")} of the ${network}`)
                    .join(", ")}, rank ${lowRank.ranks.join(", ")}`,
                ] as const,
              ]
            : []),
          ...(triggers.length > 0
            ? [
                [
                  "trigger words",
                  triggers.map(({ words, from, declared }) => (
                    <span key={words} className="block">
                      <code className="rounded border border-line bg-sunken px-1">{words}</code>{" "}
                      <span className="text-small text-quiet">
                        {declared ? "" : "counted, "}
                        {from}
                      </span>
                    </span>
                  )),
                ] as const,
              ]
            : []),
          ...(!can({ kind }, "hasBase")
            ? []
            : [
                [
                  "declared base",
                  declaredBase ? (
                    <RepoLink key="d" repo={declaredBase.repo} />
                  ) : (
                    <span className="text-quiet">none named</span>
                  ),
                ] as const,
                [
                  "detected base",
                  detectedBase ? (
                    <span key="f">
                      <RepoLink repo={detectedBase.repo} />{" "}
                      <span className="text-small text-quiet">
                        ({detectedBase.how}
                        {detectedBase.medianCosine !== null &&
                          `, median cosine ${detectedBase.medianCosine.toFixed(4)}`}
                        ){agrees && <span className="text-verified"> ✓ as declared</span>}
                      </span>
                    </span>
                  ) : (
                    <span className="text-quiet">none of this hub</span>
                  ),
                ] as const,
                ...(fittingBases.length > 1
                  ? [
                      [
                        "also fits",
                        fittingBases
                          .filter(({ repo }) => repo !== detectedBase?.repo)
                          .map(({ repo, commit }) => (
                            <span key={commit} className="mr-2">
                              <RepoLink repo={repo} />
                            </span>
                          )),
                      ] as const,
                    ]
                  : []),
              ]),
        ]}
      />
      {can({ kind }, "hasBase") && !detectedBase && runs && (
        <p className="text-small text-quiet">
          No <Term word="base" /> of this hub has the same layers. Once its base is uploaded, this is looked at again by
          itself.
        </p>
      )}
    </div>
  );
}
