import type { Measured, PairItem, PairView, UsedEvaluator } from "#lib/catalog/pairs/schema.ts";
import { readInWords } from "#lib/pairing/style-test.ts";
import type { Period } from "#lib/catalog/periods/schema.ts";
import { toMoment } from "../../_page/units.ts";
import { Estimate } from "../../_ui/estimate.tsx";
import { Facts } from "../../_ui/facts.tsx";
import { Hash } from "../../_ui/hash.tsx";
import { Table } from "../../_ui/table.tsx";
import { standingOf, Verdict } from "../../_ui/verdict.tsx";
import { When } from "../../_ui/when.tsx";

const levelNames: Readonly<Record<number, string>> = {
  0: "L0 structure",
  1: "L1 lineage",
  2: "L2 single steps",
  4: "L4 pictures",
  5: "L5 cost",
};
const sampleNames: Readonly<Record<number, string>> = { 1: "tensors", 2: "prompts", 4: "prompts" };

/** How the numbers were got: all that somebody needs to get them again. */
export function MethodSection({
  pair,
  measured: { protocol, runtime, files, evaluators, promptsSha256 },
}: {
  readonly pair: PairView;
  readonly measured: Measured;
}) {
  const machines = [...new Set(pair.measurements.map(({ machine }) => machine))];
  return (
    <section aria-labelledby="method" className="mt-12">
      <h2 id="method" className="text-title">
        How it was measured
      </h2>
      <div className="mt-3 grid gap-x-10 gap-y-6 lg:grid-cols-2">
        <Facts
          facts={[
            ["when", pair.measuredAt ? <When key="w" at={pair.measuredAt} as="moment" /> : "—"],
            ["machine", machines.join(", ")],
            [
              "runtime",
              `${pair.runtime}: ${runtime.name} ${runtime.version}, ${runtime.provider}, ${runtime.threads} threads`,
            ],
            ["protocol", <code key="p">{pair.protocol}</code>],
            [
              "pictures",
              `${pair.n ?? pair.pictures} prompts in three modes from the same noise${seed(protocol.pictureSeed)}`,
            ],
            ["sampler", `${protocol.sampler}, ${protocol.steps} steps, guidance ${protocol.guidanceScale}`],
            [
              "single steps",
              `${protocol.agreementPrompts} prompts at guidance ${protocol.agreementGuidances.join(", ")}${seed(protocol.agreementSeed)}`,
            ],
            [
              "intervals",
              protocol.version < 2
                ? "95%, by bootstrap over prompts; judged by the value in the middle (the first protocol)"
                : "95%: R and CFG's gain by the plan, over all looks together; the rest by bootstrap over prompts",
            ],
            ...(evaluators.length === 0 ? [["evaluator", "none"] as const] : evaluators.map(evaluatorFact)),
            [
              "prompts",
              promptsSha256 ? (
                <Hash key="l" sha256={promptsSha256} what="sha256 of the list of prompts" />
              ) : (
                "made from the evaluator's words, or plain ones"
              ),
            ],
            ...(pair.period === null ? [] : [["drawn from", <Drawn key="d" period={pair.period} />] as const]),
            ["fine-tune", <Commit key="f" {...pair.finetune} />],
            ["guide", <Commit key="g" {...pair.guide} />],
          ]}
        />
        <Table caption="What each level took" head={["level", "samples", "took"]}>
          {pair.measurements.map(({ level, n, milliseconds }) => (
            <tr key={level} className="[&>td]:whitespace-nowrap">
              <td>{levelNames[level] ?? `L${level}`}</td>
              <td>{sampleNames[level] ? `${n} ${sampleNames[level]}` : "—"}</td>
              <td>{milliseconds < 100 ? "under 0.1 s" : `${(milliseconds / 1000).toFixed(1)} s`}</td>
            </tr>
          ))}
        </Table>
      </div>
      <h3 className="mt-6 font-semibold">Of exactly these bytes</h3>
      <Table caption="Files that were measured" head={["part", "file", "sha256"]}>
        {files.map(({ role, path, sha256 }) => (
          <tr key={`${role} ${path} ${sha256}`}>
            <td className="whitespace-nowrap">{roleNames[role] ?? role}</td>
            <td className="min-w-40 text-small [overflow-wrap:anywhere]">
              <code>{path}</code>
            </td>
            <td>
              <Hash sha256={sha256} what={`sha256 of ${path}`} />
            </td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

const seed = (known: number | null): string => (known === null ? "" : `, seed ${known}`);

/** What decided prompts and noise, and since when it was promised. */
function Drawn({ period: { number, commitment, committedAt, toldFrom, secret } }: { readonly period: Period }) {
  return (
    <>
      the hub's secret of period {number}, promised on <When at={committedAt} as="moment" /> as{" "}
      <Hash sha256={commitment} what="sha256 of the secret that prompts and noise are made of" />:{" "}
      {secret !== null
        ? "told since, so anybody can draw the same again"
        : `told on ${toMoment(toldFrom)}; until then no prompt of it is shown`}
      . <a href="/.well-known/guidepost-periods.json">All periods</a>
    </>
  );
}

/** By repo, commit and bytes, and on what its accuracy was measured: a verdict is worth no more. */
function evaluatorFact({ sha256, repo, commit, testedOn, style }: UsedEvaluator) {
  const named = (
    <div key={sha256} className="space-y-1">
      <p>
        {repo && commit ? (
          <Commit repo={repo} commit={commit} />
        ) : (
          <span className="text-quiet">one that is gone, or not for you to see</span>
        )}
      </p>
      <Hash sha256={sha256} what="sha256 of the evaluator" />
      <p className="text-small text-quiet">{testedOn}</p>
      {style && (
        <p className="text-small text-quiet">
          In this model's own style the hub measured it, on {style.scenes} scenes of known content that the model drew
          anew: right were {readInWords(style)}. Of the distance between their look and that of its own pictures{" "}
          {percentOf(style.distance.after, style.distance.before)}% was left then.
        </p>
      )}
    </div>
  );
  return ["evaluator", named] as const;
}

const percentOf = (part: number, whole: number): string => ((100 * Math.max(0, part)) / whole).toFixed(0);

const roleNames: Readonly<Record<string, string>> = { unet: "UNet", textEncoder: "text encoder", vae: "VAE" };

function Commit({ repo, commit }: { readonly repo: string; readonly commit: string }) {
  return (
    <>
      <a href={`/${repo}`}>{repo}</a> at{" "}
      <a href={`/${repo}/tree/${commit}`}>
        <code>{commit.slice(0, 12)}</code>
      </a>
    </>
  );
}

/** What else was measured of the same two repos. */
export function OthersSection({ others }: { readonly others: readonly PairItem[] }) {
  if (others.length === 0) return null;
  return (
    <section aria-labelledby="others" className="mt-12">
      <h2 id="others" className="text-title">
        Other measurements of this pair
      </h2>
      <Table
        caption="Measurements by when they were asked for"
        head={["asked for", "verdict", "R, recovered", "protocol"]}
      >
        {others.map(({ id, state, verdict, stale, recovered, createdAt, protocol }) => (
          <tr key={id} data-row className="[&>td]:whitespace-nowrap">
            <td>
              <a href={`/pairs/${id}`}>
                <When at={createdAt} />
              </a>
            </td>
            <td>
              <Verdict standing={standingOf({ state, verdict })} stale={stale} />
            </td>
            <td>{recovered ? <Estimate of={recovered} /> : <span className="text-quiet">—</span>}</td>
            <td className="text-small text-quiet">
              <code>{protocol}</code>
            </td>
          </tr>
        ))}
      </Table>
    </section>
  );
}
