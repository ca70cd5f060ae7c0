import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { type Admission, requireAdmission } from "#lib/auth/invitations.ts";
import { AppError } from "#lib/errors.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { Notice } from "../../_ui/notice.tsx";
import { Narrow } from "../narrow.tsx";
import { JoinForm } from "./form.tsx";

export const metadata: Metadata = { title: "Sign up", robots: { index: false } };

/** Signing up, with the invitation in the address where one is needed. */
export default async function JoinPage({ searchParams }: { readonly searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  const given = (await searchParams)["invitation"];
  const invitation = typeof given === "string" ? given : null;
  const state = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  const admission = await requireAdmission(invitation).catch(toRefusal);
  return (
    <Narrow title={admission instanceof AppError || !admission.isOperator ? "Sign up" : "Set up this hub"}>
      {admission instanceof AppError ? (
        <div className="mt-4">
          <Notice kind="careful" alert>
            {admission.message}
          </Notice>
        </div>
      ) : (
        <>
          {admission.isOperator && <p className="mt-1 text-quiet">You are the first here, so you will be its operator: you may do everything on this hub, and invite others.</p>}
          <JoinForm invitation={invitation} email={admission.email} state={state} />
        </>
      )}
      <p className="mt-6">
        Is there an account already? <a href="/sign-in">Sign in</a>
      </p>
    </Narrow>
  );
}

function toRefusal(cause: unknown): AppError | Admission {
  if (cause instanceof AppError && cause.code === "forbidden") return cause;
  throw cause;
}
