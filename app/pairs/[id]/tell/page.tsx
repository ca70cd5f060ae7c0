import type { Metadata } from "next";
import { cookies, headers } from "next/headers.js";
import { z } from "zod";
import { addressOf } from "#lib/auth/throttle.ts";
import { getComparison } from "#lib/catalog/comparisons/service.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { currentActor } from "../../../_page/actor.ts";
import { parseAddress, type SearchParams } from "../../../_page/address.ts";
import { idOf } from "../../../_page/id-of.ts";
import { shown } from "../../../_page/shown.ts";
import { toPlural } from "../../../_page/units.ts";
import { ButtonLink } from "../../../_ui/button.tsx";
import { Problems } from "../../../_ui/field.tsx";
import { Notice } from "../../../_ui/notice.tsx";
import { TallyOf } from "../tally.tsx";
import { Ask } from "./ask.tsx";

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
