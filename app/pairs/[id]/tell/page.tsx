import type { Metadata } from "next";
import { cookies, headers } from "next/headers.js";
import { z } from "zod";
import { addressOf } from "#lib/auth/throttle.ts";
import type { Question } from "#lib/catalog/comparisons/schema.ts";
import { getComparison } from "#lib/catalog/comparisons/service.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { PressKeys } from "../../../_islands/press-keys.tsx";
import { currentActor } from "../../../_page/actor.ts";
import { parseAddress, type SearchParams } from "../../../_page/address.ts";
import { idOf } from "../../../_page/id-of.ts";
import { shown } from "../../../_page/shown.ts";
import { toPlural } from "../../../_page/units.ts";
import { Button, ButtonLink } from "../../../_ui/button.tsx";
import { Problems } from "../../../_ui/field.tsx";
import { Notice } from "../../../_ui/notice.tsx";
import { Picture } from "../../../_ui/picture.tsx";
import { TallyOf } from "../tally.tsx";

export const metadata: Metadata = { title: "Can you tell?" };

interface Props {
  readonly params: Promise<{ readonly id: string }>;
  readonly searchParams: SearchParams;
}

const address = z.object({ said: z.enum(["first", "second", "neither"]).optional() });

/** Two pictures, a prompt, three buttons: nothing on this page says which is whose, and no other picture of the pair is near. */
export default async function TellPage({ params, searchParams }: Props) {
  const actor = await currentActor();
  const id = idOf((await params).id);
  const viewer = { actor, address: addressOf(await headers()) };
  const [{ question, reason, own, tally }, { said }, form] = await Promise.all([
    shown(getComparison(viewer, id)),
    searchParams.then((given) => parseAddress(address, given)),
    cookies().then((all) => parseFormState(all.get(FORM_COOKIE)?.value)),
  ]);
  return (
    <>
      <h1 className="text-page">Can you tell?</h1>
      <p className="mt-2 max-w-[60ch] text-quiet">
        One of the two was drawn with CFG, the other with a guide, in half the passes and from the same noise. Which
        follows the prompt better?
      </p>
      <p role="status" className="mt-3 text-small text-quiet">
        {said && `Kept: ${saidWords[said]}. `}
        {question && `Question ${question.number} of ${question.of}.`}
      </p>
      <Problems state={form} />
      {question ? (
        <Ask id={id} question={question} />
      ) : (
        <NoMore reason={reason} isSignedIn={actor.kind === "person"} id={id} own={own} />
      )}
      {!question && own > 0 && (
        <div className="mt-8 max-w-[60ch]">
          <TallyOf tally={tally} />
        </div>
      )}
      <p className="mt-8">
        <a href={`/pairs/${id}`}>To what was measured of this pair</a>
      </p>
    </>
  );
}

const saidWords = { first: "A", second: "B", neither: "no difference" } as const;

const answers = [
  { value: "first", key: "1", words: "A follows it better" },
  { value: "second", key: "2", words: "B follows it better" },
  { value: "neither", key: "0", words: "No difference" },
] as const;

/** Both halves are of one file, so that nothing about one of them could tell. */
function Ask({ id, question }: { readonly id: string; readonly question: Question }) {
  const { prompt, picture, width, height } = question;
  return (
    <form method="post" action={`/pairs/${id}/tell/answer`} className="mt-2" aria-labelledby="prompt">
      <PressKeys />
      <input type="hidden" name="question" value={question.id} />
      <h2 id="prompt" className="max-w-[40ch] text-title [overflow-wrap:anywhere]">
        «{prompt}»
      </h2>
      <div className="mt-4 grid max-w-[808px] grid-cols-2 gap-2 sm:gap-4">
        {(["A", "B"] as const).map((name) => (
          <figure key={name} className="min-w-0">
            <Picture
              url={picture}
              width={width}
              height={height}
              room={384}
              phoneRoom={170}
              eager
              alt={`Picture ${name} of two for this prompt`}
              className={`aspect-square! h-auto! w-full! object-cover ${name === "A" ? "object-left" : "object-right"}`}
            />
            <figcaption aria-hidden className="mt-1 text-center font-medium">
              {name}
            </figcaption>
          </figure>
        ))}
      </div>
      <div
        role="group"
        aria-label="Which follows the prompt better?"
        className="mt-4 flex max-w-[808px] flex-wrap gap-3"
      >
        {answers.map(({ value, key, words }) => (
          <Button
            key={value}
            type="submit"
            name="answer"
            value={value}
            data-key={key}
            aria-keyshortcuts={key}
            className="flex-1"
          >
            {words}{" "}
            <kbd aria-hidden className="hidden rounded border border-line bg-sunken px-1.5 text-small sm:inline">
              {key}
            </kbd>
          </Button>
        ))}
      </div>
    </form>
  );
}

function NoMore({
  reason,
  isSignedIn,
  id,
  own,
}: {
  readonly reason: string | null;
  readonly isSignedIn: boolean;
  readonly id: string;
  readonly own: number;
}) {
  return (
    <div className="mt-4 max-w-[60ch] space-y-4">
      <Notice kind={own > 0 ? "good" : "plain"}>
        {reason ?? "No more answers are taken of this pair."}
        {own > 0 && ` Thank you for ${toPlural(own, "answer")}.`}
      </Notice>
      {!isSignedIn && own === 0 && (
        <ButtonLink look="primary" href={`/sign-in?next=/pairs/${id}/tell`}>
          Sign in to answer
        </ButtonLink>
      )}
    </div>
  );
}
