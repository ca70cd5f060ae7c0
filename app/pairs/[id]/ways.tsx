import type { CurveView } from "#lib/catalog/pairs/study-schema.ts";
import { findingsOf, nameOfWay, usualSteps } from "#lib/pairing/ways.ts";
import { letterOf, Ways } from "../../_ui/chart/ways.tsx";
import { Estimate } from "../../_ui/estimate.tsx";
import { Facts } from "../../_ui/facts.tsx";
import { Table } from "../../_ui/table.tsx";

/** Whether fewer steps would do as well: what else could be done with a guide's passes. It judges nothing. */
export function WaysSection({ id, curve }: { readonly id: string; readonly curve: CurveView }) {
  const { found, state } = curve;
  return (
    <section aria-labelledby="ways" className="mt-12">
      <h2 id="ways" className="text-title">
        Why not simply fewer steps?
      </h2>
      {!found && (
        <p className="mt-1 text-quiet">
          {waiting[state]} <a href={`/jobs/${curve.id}`}>What happened so far</a>
        </p>
      )}
      {found && (
        <>
          {findingsOf(found).map((sentence) => (
            <p key={sentence} className="mt-1 max-w-[72ch]">
              {sentence}
            </p>
          ))}
          <p className="mt-1 max-w-[72ch] text-quiet">
            All ways draw the same {found.n} prompts from the same noise; each interval holds for itself. No verdict
            rests on them.
          </p>
          <div className="mt-3 flex flex-wrap gap-x-12 gap-y-6">
            <div className="min-w-0 max-w-full basis-[440px]">
              <Ways id="ways-chart" curve={found} finding={findingsOf(found).join(" ")} />
            </div>
            <ol className="min-w-0 flex-1 basis-72 space-y-1 text-small">
              {found.points.map((point) => (
                <li key={letterOf(found.points, point)} className="grid grid-cols-[1.25rem_1fr]">
                  <span className="font-medium">{letterOf(found.points, point)}</span>
                  <span>
                    {nameOfWay(point, usualSteps(found))}, {point.passes} passes
                  </span>
                </li>
              ))}
            </ol>
          </div>
          {found.delivered && (
            <div className="mt-6">
              <Facts
                facts={[
                  ["guidance delivered", <Estimate key="w" of={found.delivered.guidanceScale} digits={1} />],
                  ["CFG at that", <Estimate key="f" of={found.delivered.cfg} digits={3} />],
                  ["distance from it", <Estimate key="d" of={found.delivered.distance} digits={3} />],
                ]}
              />
            </div>
          )}
          <details className="mt-4 text-small">
            <summary className="w-fit text-quiet">
              By guidance: what CFG and the guide keep, and how far they lie apart
            </summary>
            <Table
              caption="By guidance"
              head={["guidance", "CFG keeps", "the guide keeps", "distance from CFG (no guidance: 1)"]}
            >
              {found.byGuidance.map(({ guidanceScale, cfg, guide, distance }) => (
                <tr key={guidanceScale}>
                  <td>{guidanceScale}</td>
                  <td>
                    <Estimate of={cfg} digits={3} />
                  </td>
                  <td>{guide ? <Estimate of={guide} digits={3} /> : "outside its range"}</td>
                  <td>{distance && <Estimate of={distance} digits={2} />}</td>
                </tr>
              ))}
            </Table>
          </details>
          <p className="mt-3 text-small">
            <a href={`/pairs/${id}/ways.csv`}>The value of every prompt and way as CSV</a>
          </p>
        </>
      )}
    </section>
  );
}

const waiting: Readonly<Record<CurveView["state"], string>> = {
  queued: "Other ways to spend as many passes are compared when nobody waits for anything else.",
  running: "Other ways to spend as many passes are being compared.",
  succeeded: "Nothing was kept of the comparison.",
  failed: "Other ways to spend as many passes could not be compared; measuring the pair again tries it once more.",
  cancelled: "The comparison was cancelled; measuring the pair again asks for it.",
};
