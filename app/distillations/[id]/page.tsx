import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { cache } from "react";
import type { DistillationView } from "#lib/catalog/distillations/schema.ts";
import { getDistillation } from "#lib/catalog/distillations/views.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { Refresh } from "../../_islands/refresh.tsx";
import { currentActor } from "../../_page/actor.ts";
import { idOf } from "../../_page/id-of.ts";
import { ifThere, shown } from "../../_page/shown.ts";
import { toBytes, toCount, toDuration, toParameters } from "../../_page/units.ts";
import { Facts } from "../../_ui/facts.tsx";
import { Problems } from "../../_ui/field.tsx";
import { Hash } from "../../_ui/hash.tsx";
import { When } from "../../_ui/when.tsx";
import { StateMark } from "../_parts/state-mark.tsx";
import { toShare } from "../_parts/words.ts";
import { Actions } from "./actions.tsx";
import { Curves } from "./curves.tsx";
import { Samples } from "./samples.tsx";
import { Standing } from "./standing.tsx";

interface PageProps {
  readonly params: Promise<{ readonly id: string }>;
}

/** Asked once in a request. */
const distillationOf = cache(async (id: string) => getDistillation(await currentActor(), idOf(id)));

export async function generateMetadata({ params }: PageProps): Promise<Metadata> {
  const one = await ifThere(distillationOf((await params).id));
  return { title: one ? `Distilling ${one.guide.repo}` : "Distillation", robots: { index: false } };
}

/** One guide while it is made, and how it came to be: where it stands, what can be done about it, its curves. */
export default async function DistillationPage({ params }: PageProps) {
  const one = await shown(distillationOf((await params).id));
  const isMoving = one.state === "queued" || one.state === "running";
  return (
    <>
      {isMoving && (
        <>
          <noscript>
            <meta httpEquiv="refresh" content="10" />
          </noscript>
          <Refresh />
        </>
      )}
      <p className="text-small">
        <a href="/distillations">Distillations</a>
      </p>
      <h1 className="mt-1 text-page [overflow-wrap:anywhere]">
        <span className="font-normal text-quiet">Distilling</span> <a href={`/${one.guide.repo}`}>{one.guide.repo}</a>
      </h1>
      <p className="mt-1 [overflow-wrap:anywhere] text-quiet">
        {one.base ? (
          <>
            from <a href={`/${one.base.repo}/commits/${one.base.commit}`}>{one.base.repo}</a>
          </>
        ) : (
          "from a base that is gone, or that you may not see"
        )}{" "}
        · guidance {one.choice.guidance.low} to {one.choice.guidance.high} · {toCount(one.choice.steps)} steps
      </p>
      <Problems state={parseFormState((await cookies()).get(FORM_COOKIE)?.value)} />
      <div className="mt-4 max-w-[72ch] rounded border border-line bg-raised p-4">
        <StateMark state={one.state} />
        <Standing one={one} />
        <Actions one={one} />
      </div>
      <Samples one={one} />
      <Curves one={one} />
      <About one={one} />
    </>
  );
}

function About({ one }: { readonly one: DistillationView }) {
  const { id, choice, promptCount, plan, record, createdAt, finishedAt, keptSteps } = one;
  return (
    <section aria-labelledby="about" className="mt-10 max-w-[72ch]">
      <h2 id="about" className="mb-3 text-title">
        How it is made
      </h2>
      <Facts
        facts={[
          ["size", choice.share === null ? choice.kind : `${toShare(choice.share)} of the base’s parameters`],
          ...(plan ? [["parameters", toParameters(plan.guide.parameters)] as const] : []),
          ["learns from", `${toCount(choice.trajectories)} walks of the base under CFG`],
          ["prompts", promptCount === null ? "the usual ones" : `${toCount(promptCount)} that were given`],
          ["learning rate", String(choice.learningRate)],
          ["seed", String(choice.seed)],
          ...(plan ? [["memory", `about ${toBytes(plan.memory.need)}`] as const] : []),
          ...(plan?.seconds
            ? [["time", `about ${toDuration(plan.seconds.states + plan.seconds.training)}, by a first pass`] as const]
            : []),
          ...(record
            ? [
                [
                  "took",
                  `${toDuration(record.seconds.states)} to draw, ${toDuration(record.seconds.training)} to learn, on ${record.runtime.threads} threads of ${record.runtime.provider}`,
                ] as const,
                ["base", `${toParameters(record.base.parameters)} parameters, none of them changed`] as const,
                ["guide", <Hash key="g" sha256={record.guide.sha256} what="sha256 of the guide" />] as const,
              ]
            : []),
          ...(keptSteps !== null && !record ? [["last checkpoint", `step ${toCount(keptSteps)}`] as const] : []),
          ["asked for", <When key="a" at={createdAt} as="moment" />],
          ...(finishedAt ? [["ended", <When key="f" at={finishedAt} as="moment" />] as const] : []),
          [
            "what happened",
            <a key="j" href={`/jobs/${id}`}>
              its job
            </a>,
          ],
          [
            "for scripts",
            <span key="s">
              <a href={`/api/v1/distillations/${id}`}>JSON</a>,{" "}
              <a href={`/api/v1/distillations/${id}/metrics.csv`}>every step as CSV</a>
            </span>,
          ],
        ]}
      />
    </section>
  );
}
