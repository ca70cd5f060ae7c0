import type { Metadata } from "next";
import { cookies, headers } from "next/headers.js";
import { type Admission, requireAdmission } from "#lib/auth/invitations.ts";
import { personOfSession } from "#lib/auth/session.ts";
import { AppError } from "#lib/errors.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { nextPage } from "#lib/http/next-page.ts";
import { addressWith, type SearchParams } from "../../_page/address.ts";
import { Notice } from "../../_ui/notice.tsx";
import { Narrow } from "../narrow.tsx";
import { JoinForm } from "./form.tsx";
import { SignedIn } from "./signed-in.tsx";

export const metadata: Metadata = { title: "Sign up", robots: { index: false } };

/** Signing up, with the invitation in the address where one is needed. */
export default async function JoinPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const { invitation: given, next: wish } = await searchParams;
  const invitation = typeof given === "string" ? given : null;
  const next = nextPage(wish);
  const person = await personOfSession(await headers());
  if (person) {
    return (
      <Narrow title="You have an account">
        <SignedIn name={person.name} isInvited={invitation !== null} />
      </Narrow>
    );
  }
  const state = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  const admission = await requireAdmission(invitation).catch(toRefusal);
  const mayJoin = !(admission instanceof AppError);
  return (
    <Narrow
      title={mayJoin && admission.isOperator ? "Set up this hub" : "Sign up"}
      below={
        <>
          Is there an account already? <a href={addressWith("/sign-in", {}, { next })}>Sign in</a>
        </>
      }
    >
      {mayJoin ? (
        <>
          {admission.isOperator && (
            <p className="mt-1 text-quiet">
              You are the first here, so you will be its operator: you may do everything on this hub, and invite others.
            </p>
          )}
          <JoinForm invitation={invitation} email={admission.email} state={state} next={next} />
        </>
      ) : (
        <div className="mt-4">
          <Notice kind="careful" alert>
            {admission.message}
          </Notice>
          <p className="mt-3 text-quiet">Without an account you can browse and download all that is public.</p>
        </div>
      )}
    </Narrow>
  );
}

function toRefusal(cause: unknown): AppError | Admission {
  if (cause instanceof AppError && cause.code === "forbidden") return cause;
  throw cause;
}
