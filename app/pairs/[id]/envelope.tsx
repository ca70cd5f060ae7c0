import type { EnvelopeAnswer, EnvelopeView } from "#lib/catalog/pairs/study-schema.ts";
import type { EnvelopeFound } from "#lib/catalog/pairs/envelope-schema.ts";
import { findingsOf, nameOfSetting } from "#lib/pairing/envelope.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { toCount, toDuration } from "../../_page/units.ts";
import { Button, ButtonLink } from "../../_ui/button.tsx";
import { Curve, type CurvePoint, type Reference } from "../../_ui/chart/curve.tsx";
import { endsOf } from "../../_ui/chart/finding.ts";
import { Estimate } from "../../_ui/estimate.tsx";
import { Facts } from "../../_ui/facts.tsx";
import { Progress } from "../../_ui/progress.tsx";
import { Table } from "../../_ui/table.tsx";

/** At which settings the guide is at its best, and how far around it holds. It judges nothing. */
export function EnvelopeSection({
  answer: { pair, envelope, cost, problem },
  isSignedIn,
  mayCancel,
}: {
  readonly answer: EnvelopeAnswer;
  readonly isSignedIn: boolean;
  readonly mayCancel: boolean;
}) {
  const found = envelope?.found ?? null;
  if (found === null && problem !== null) return null;
  return (
    <section aria-labelledby="envelope" className="mt-12">
      <h2 id="envelope" className="scroll-mt-4 text-title">
        Where is it at its best?
      </h2>
      {found ? (
        <Found pair={pair} found={found} />
      ) : envelope && isUnfinished(envelope) ? (
        <OnItsWay envelope={envelope} mayCancel={mayCancel} />
      ) : (
        <Ask pair={pair} last={envelope} cost={cost} isSignedIn={isSignedIn} />
      )}
    </section>
  );
}

function Ask({
  pair,
  last,
  cost: { passes, seconds },
  isSignedIn,
}: Pick<EnvelopeAnswer, "pair" | "cost"> & { readonly last: EnvelopeView | null; readonly isSignedIn: boolean }) {
  return (
    <>
      <p className="mt-1 max-w-[72ch]">
        {last && `${ended[last.state]} `}The guide can be drawn stronger or weaker than it was made, with CFG for the
        first steps, and at other guidances. A sweep finds which of that keeps most of a prompt here, and gives CFG the
        same tuning. Its prompts are public; no verdict rests on it.
      </p>
      <p className="mt-1 max-w-[72ch] text-quiet">
        It takes about {toCount(passes)} passes through the model
        {seconds === null
          ? ", and how long that is nothing tells yet."
          : `: some ${toDuration(Math.max(60, seconds))} of one worker.`}
        {last && (
          <>
            {" "}
            <a href={`/jobs/${last.id}`}>What happened so far</a>
          </>
        )}
      </p>
      <div className="mt-3">
        {isSignedIn ? (
          <form method="post" action={`/pairs/${pair}/envelope`}>
            <input type="hidden" name="id" value={pair} />
            <Button type="submit">Find where it is at its best</Button>
          </form>
        ) : (
          <ButtonLink href={`/sign-in?next=/pairs/${pair}`}>Sign in to find where it is at its best</ButtonLink>
        )}
      </div>
    </>
  );
}

const ended: Readonly<Record<EnvelopeView["state"], string>> = {
  queued: "",
  running: "",
  succeeded: "Nothing was kept of the last sweep.",
  failed: "The last sweep failed.",
  cancelled: "The last sweep was cancelled.",
};

function OnItsWay({ envelope, mayCancel }: { readonly envelope: EnvelopeView; readonly mayCancel: boolean }) {
  const { id, state, progress } = envelope;
  const words =
    state === "queued"
      ? "The sweep waits for its turn."
      : progress && progress.stage !== "opening"
        ? `Now drawing at other settings: step ${toCount(progress.done)} of ${toCount(progress.total)}.`
        : "The sweep has begun.";
  return (
    <div className="mt-2 max-w-[56ch] rounded border border-line bg-raised p-4">
      <p role="status">{words}</p>
      {state === "running" && (
        <div className="mt-3">
          <Progress label="Swept" value={progress?.done ?? null} max={progress?.total ?? null} />
        </div>
      )}
      {mayCancel && (
        <form method="post" action={`/jobs/${id}/cancel`} className="mt-3">
          <Button type="submit">Cancel the sweep</Button>
        </form>
      )}
      <p className="mt-3 text-small text-quiet">
        You may close this page; it goes on without it. <a href={`/jobs/${id}`}>What happened so far</a>
      </p>
    </div>
  );
}

function Found({ pair, found }: { readonly pair: string; readonly found: EnvelopeFound }) {
  const { best, none, byGuidance, cfgGuidance, steps } = found;
  const cfgBest = byGuidance.find(({ guidanceScale }) => guidanceScale === cfgGuidance)!.cfg;
  const references: readonly Reference[] = [
    { y: cfgBest.value, name: `CFG at guidance ${cfgGuidance}`, mode: "cfg" },
    { y: none.value, name: "no guidance", mode: "conditional" },
  ];
  const yName = "share of the prompt kept";
  return (
    <>
      {findingsOf(found).map((sentence) => (
        <p key={sentence} className="mt-1 max-w-[72ch]">
          {sentence}
        </p>
      ))}
      <p className="mt-1 max-w-[72ch] text-quiet">
        Everything here is of prompts that everybody may know, and no verdict rests on it: that is of the guide at
        strength 1. All ways of one prompt draw from the same noise; each interval holds for itself. “Preview this pair”
        opens at {nameOfSetting(best)}.
      </p>
      <h3 className="mt-4 mb-1 font-medium">What is kept of the {found.others} prompts that nothing was chosen on</h3>
      <div>
        <Facts
          facts={[
            ["no guidance", <Estimate key="n" of={found.found.none} digits={3} />],
            ["as made", <Estimate key="g" of={found.found.guide} digits={3} />],
            ["at its best", <Estimate key="b" of={found.found.best} digits={3} />],
            ["CFG", <Estimate key="c" of={found.found.cfg} digits={3} />],
          ]}
        />
      </div>
      <div className="mt-6 grid gap-x-8 gap-y-6 md:grid-cols-2">
        {panelsOf(found).map(({ id, title, xName, points, cfg, chosen }) => (
          <Curve
            key={id}
            id={`envelope-${id}`}
            title={title}
            finding={endsOf(points, xName)}
            {...{ xName, yName, points, chosen }}
            {...(cfg && { cfg })}
            references={cfg ? references.slice(1) : references}
            digits={3}
          />
        ))}
      </div>
      <p className="mt-2 max-w-[72ch] text-small text-quiet">
        Of the {found.n} prompts that were chosen on. Diamonds are the guide, squares CFG; a ring marks what was chosen.
        What the axis does not name is guidance {best.guidanceScale}, strength 1, no CFG steps and {steps} steps; CFG
        steps go before the guide at its best strength.
      </p>
      <details className="mt-4 text-small">
        <summary className="w-fit text-quiet">
          How much one step adds at each strength, as a share of what CFG adds
        </summary>
        <Table caption="By strength" head={["strength", "one step adds", "may be chosen"]}>
          {found.byStrength.map(({ strength, delivered, isAllowed }) => (
            <tr key={strength}>
              <td>{strength}</td>
              <td>
                <Estimate of={delivered} />
              </td>
              <td>{isAllowed ? "yes" : "no: more than 1.15"}</td>
            </tr>
          ))}
        </Table>
      </details>
      <p className="mt-3 text-small">
        <a href={`/pairs/${pair}/envelope.csv`}>The value of every prompt and setting as CSV</a>
      </p>
    </>
  );
}

interface Panel {
  readonly id: string;
  readonly title: string;
  readonly xName: string;
  readonly points: readonly CurvePoint[];
  readonly cfg?: readonly CurvePoint[];
  readonly chosen: number;
}

function panelsOf({ best, byGuidance, byStrength, byCfgSteps, bySteps, steps }: EnvelopeFound): Panel[] {
  return [
    {
      id: "guidance",
      title: "By guidance",
      xName: "guidance",
      points: byGuidance.flatMap(({ guidanceScale, guide }) => (guide ? [{ x: guidanceScale, ...guide }] : [])),
      cfg: byGuidance.map(({ guidanceScale, cfg }) => ({ x: guidanceScale, ...cfg })),
      chosen: best.guidanceScale,
    },
    {
      id: "strength",
      title: "By strength of the guide",
      xName: "strength",
      points: byStrength.map(({ strength, guide }) => ({ x: strength, ...guide })),
      chosen: best.guideStrength,
    },
    {
      id: "cfg-steps",
      title: "By first steps with CFG",
      xName: "CFG steps",
      points: byCfgSteps.map(({ cfgSteps, guide }) => ({ x: cfgSteps, ...guide })),
      chosen: best.cfgSteps,
    },
    {
      id: "steps",
      title: "By steps",
      xName: "steps",
      points: bySteps.map(({ steps: x, guide }) => ({ x, ...guide })),
      cfg: bySteps.map(({ steps: x, cfg }) => ({ x, ...cfg })),
      chosen: steps,
    },
  ];
}
