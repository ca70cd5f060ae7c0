import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { z } from "zod";
import { distillationSettings } from "#lib/catalog/distillations/form.ts";
import { costOf, whyNotAllowed } from "#lib/catalog/distillations/service.ts";
import { fullName } from "#lib/catalog/repo-name.ts";
import { AppError, failures } from "#lib/errors.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { usualChoice } from "#lib/pairing/guide-choice.ts";
import { currentActor } from "../../_page/actor.ts";
import { parseAddress, type SearchParams } from "../../_page/address.ts";
import { Button, ButtonLink } from "../../_ui/button.tsx";
import { Empty } from "../../_ui/empty.tsx";
import { Field, Problems, SelectField, TextField } from "../../_ui/field.tsx";
import { Notice } from "../../_ui/notice.tsx";
import { Cost } from "../_parts/cost.tsx";

export const metadata: Metadata = { title: "Distil a guide" };

const address = z.object({ base: fullName.optional(), ...distillationSettings.shape });

/** What is to be made, and what it costs, before it begins. */
export default async function NewDistillationPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const actor = await currentActor();
  const { base, ...asked } = parseAddress(address, await searchParams);
  if (base === undefined)
    return (
      <Page>
        <Empty title="Of which base?" action={<ButtonLink href="/browse?kind=base">Choose a base</ButtonLink>}>
          A guide is made of a base, and works on the fine-tunes of that base.
        </Empty>
      </Page>
    );
  const cost = await costOf(actor, { base, revision: "HEAD", ...asked }).catch(told);
  const state = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  const value = (name: string, usual: string): string => state.values[name] ?? usual;
  const why = actor.kind === "person" ? whyNotAllowed(actor) : null;
  return (
    <Page>
      <p className="mt-1 max-w-[72ch] text-quiet">
        of <a href={`/${base}`}>{base}</a>. The base draws pictures under CFG, and a small network learns to add in one
        pass what CFG adds in two. It works on the fine-tunes of this base too; the hub measures on which.
      </p>
      {typeof cost === "string" ? (
        <div className="mt-5 max-w-[72ch]">
          <Notice kind="bad" alert>
            {cost}
          </Notice>
        </div>
      ) : (
        <section aria-labelledby="cost" className="mt-5 max-w-[72ch] rounded border border-line bg-raised p-4">
          <h2 id="cost" className="mb-2 text-title">
            What it costs
          </h2>
          <Cost cost={cost} />
        </section>
      )}
      {why !== null && (
        <div className="mt-5 max-w-[72ch]">
          <Notice kind="careful">{why}</Notice>
        </div>
      )}
      <Problems state={state} />
      <form method="post" action="/distillations/begin" className="mt-2 max-w-[72ch]">
        <input type="hidden" name="base" value={base} />
        <Field
          name="name"
          label="Published as"
          hint="A repo of this name is made at once, and the guide is published in it when it is done: “name”, or “organisation/name”."
          defaultValue={value("name", `${base.split("/")[1]!}-guide`)}
          problem={state.problems["name"] ?? state.problems["owner"]}
          required
          maxLength={200}
        />
        <SelectField
          name="visibility"
          label="Who may see it"
          hint="The guide of a private base is private."
          defaultValue={value("visibility", "")}
          problem={state.problems["visibility"]}
        >
          <option value="">as the base</option>
          <option value="public">everybody</option>
          <option value="private">only who may see your private repos</option>
        </SelectField>
        <SelectField
          name="kind"
          label="How large"
          hint="A larger one does not follow CFG much better, and costs more in every step."
          defaultValue={value("kind", asked.kind)}
          problem={state.problems["kind"]}
        >
          <option value="tiny">tiny: 1% of the base’s parameters</option>
          <option value="small">small: 3%</option>
        </SelectField>
        <Field
          name="share"
          label="Or a share of your own"
          hint="Of the base’s parameters, such as 0.02; leave it empty for the size above."
          inputMode="decimal"
          defaultValue={value("share", asked.share === null ? "" : String(asked.share))}
          problem={state.problems["share"]}
        />
        <fieldset>
          <legend className="font-medium">For which guidance</legend>
          <div className="grid grid-cols-2 gap-x-4">
            <Field
              name="low"
              label="from"
              inputMode="decimal"
              defaultValue={value("low", String(usualChoice.guidance.low))}
              problem={state.problems["low"] ?? state.problems["guidance"]}
            />
            <Field
              name="high"
              label="to"
              inputMode="decimal"
              defaultValue={value("high", String(usualChoice.guidance.high))}
              problem={state.problems["high"]}
            />
          </div>
        </fieldset>
        <Field
          name="steps"
          label="Steps that it learns"
          hint="Twice as many take twice as long; beyond some thousands little is gained."
          inputMode="numeric"
          defaultValue={value("steps", String(asked.steps))}
          problem={state.problems["steps"]}
        />
        <Field
          name="batch"
          label="States that it sees in a step"
          hint="Up to 32; fewer take less memory, and it learns less from a step."
          inputMode="numeric"
          defaultValue={value("batch", String(asked.batch))}
          problem={state.problems["batch"]}
        />
        <Field
          name="trajectories"
          label="Walks that the base draws for it"
          hint="What it learns from; each is one prompt at one guidance."
          inputMode="numeric"
          defaultValue={value("trajectories", String(asked.trajectories))}
          problem={state.problems["trajectories"]}
        />
        <TextField
          name="prompts"
          label="What the base draws on them"
          hint="One prompt a line. Leave it empty for plain things in many looks, or, for a base that is known, what it was trained with. A longer list than 12,000 letters is sent by the API."
          rows={5}
          maxLength={12_000}
          problem={state.problems["prompts"]}
        />
        <div className="mt-5 flex flex-wrap gap-3">
          {actor.kind === "person" ? (
            <Button type="submit" look="primary" disabled={why !== null || typeof cost === "string"}>
              Distil a guide
            </Button>
          ) : (
            <ButtonLink look="primary" href={`/sign-in?next=${encodeURIComponent(`/distillations/new?base=${base}`)}`}>
              Sign in to distil a guide
            </ButtonLink>
          )}
          <Button type="submit" formMethod="get" formAction="/distillations/new">
            Work out what that costs
          </Button>
        </div>
        <p className="mt-3 text-small text-quiet">
          It gives way to everybody’s previews, may be paused at any time, and goes on by itself when a worker is lost.
        </p>
      </form>
    </Page>
  );
}

function Page({ children }: { readonly children: React.ReactNode }) {
  return (
    <>
      <h1 className="text-page">Distil a guide</h1>
      {children}
    </>
  );
}

/** Why there is nothing to distil, in its own sentence. */
function told(cause: unknown): string {
  if (cause instanceof AppError && failures[cause.code].status < 500) return cause.message;
  throw cause;
}
