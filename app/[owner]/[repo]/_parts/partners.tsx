import { can } from "#lib/catalog/kinds.ts";
import type { Partner } from "#lib/catalog/pairs/schema.ts";
import type { RepoItem } from "#lib/catalog/repos/schema.ts";
import { toDuration, toParameters } from "../../../_page/units.ts";
import { Button } from "../../../_ui/button.tsx";
import { Estimate } from "../../../_ui/estimate.tsx";
import { Table } from "../../../_ui/table.tsx";
import { Term } from "../../../_ui/term.tsx";
import { standingOf, Verdict } from "../../../_ui/verdict.tsx";

interface PartnersProps {
  /** Best evidence first. */
  readonly partners: readonly Partner[];
  readonly of: { readonly fullName: string; readonly kind: RepoItem["kind"] };
  /** What a measurement takes here, in seconds; null where nothing tells. */
  readonly seconds: number | null;
}

/** Whether a measurement is to be asked for: there is none, or none that speaks of today. */
export const isToMeasure = ({ state, stale }: Partner): boolean =>
  state === "not measured" || state === "cancelled" || state === "failed" || (state === "measured" && stale !== null);

/** What leads to the reasons of a verdict that says little: as much as fits a line. */
function whyOf({ verdict, n, next }: Partner): string {
  if (verdict === "notMeasured") return "measured, without a verdict: why";
  return verdict === "inconclusive" && next !== null
    ? `too early to say by ${n ?? 0} prompts, ${next} next: so far`
    : "why";
}

/** The guides that work on a model, or the models that a guide works on: with what was measured, or the button that measures it. */
export function Partners({ partners, of, seconds }: PartnersProps) {
  const isGuide = can(of, "guides");
  return (
    <Table
      caption={isGuide ? "Models, by evidence" : "Guides, by evidence"}
      head={[
        isGuide ? "model" : "guide",
        "verdict",
        <Term key="r" word="recovered">
          R, recovered
        </Term>,
        isGuide ? "size" : "parameters",
        <span key="do" className="sr-only">
          do
        </span>,
      ]}
    >
      {partners.map((partner) => {
        const { repo, pair, parameters, recovered, problem, state, stale } = partner;
        const sides = isGuide ? { finetune: repo, guide: of.fullName } : { finetune: of.fullName, guide: repo };
        return (
          <tr key={repo} data-row>
            <td className="max-w-72 min-w-36 [overflow-wrap:anywhere]">
              <a href={`/${repo}`}>{repo}</a>
            </td>
            <td>
              {pair ? (
                <a href={`/pairs/${pair}`} className="no-underline hover:underline">
                  <Verdict standing={standingOf(partner)} stale={stale} />
                </a>
              ) : (
                <Verdict standing="notMeasured" />
              )}
              {partner.measuredAt !== null &&
                ["notMeasured", "inconclusive", "incompatible"].includes(partner.verdict) && (
                  <a href={`/pairs/${pair}`} className="block text-small">
                    {whyOf(partner)}
                  </a>
                )}
              {stale && <span className="block max-w-96 text-small text-quiet">{stale}</span>}
              {state === "failed" && problem && <span className="block max-w-96 text-small text-quiet">{problem}</span>}
              {isToMeasure(partner) && (
                <form method="post" action="/pairs/measure" className="mt-1.5 flex flex-wrap items-center gap-2">
                  <input type="hidden" name="finetune" value={sides.finetune} />
                  <input type="hidden" name="guide" value={sides.guide} />
                  <Button type="submit">Measure it</Button>
                  {seconds !== null && <span className="text-small text-quiet">about {toDuration(seconds)}</span>}
                </form>
              )}
            </td>
            <td>{recovered ? <Estimate of={recovered} /> : <span className="text-quiet">—</span>}</td>
            <td className="whitespace-nowrap text-quiet">{parameters === null ? "" : toParameters(parameters)}</td>
            <td className="text-right">
              <a href={`/preview?finetune=${sides.finetune}&guide=${sides.guide}`}>Preview</a>
            </td>
          </tr>
        );
      })}
    </Table>
  );
}
