import type { Metadata } from "next";
import { cookies, headers } from "next/headers.js";
import { redirect } from "next/navigation.js";
import { personOfSession } from "#lib/auth/session.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { nextPage } from "#lib/http/next-page.ts";
import { addressWith, type SearchParams } from "../../_page/address.ts";
import { Narrow } from "../narrow.tsx";
import { SignInForm } from "./form.tsx";

export const metadata: Metadata = { title: "Sign in", robots: { index: false } };

export default async function SignInPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const next = nextPage((await searchParams)["next"]);
  if (await personOfSession(await headers())) redirect(next ?? "/");
  const state = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  return (
    <Narrow
      title="Sign in"
      below={
        <>
          No account yet? <a href={addressWith("/join", {}, { next })}>Sign up</a>
        </>
      }
    >
      <p className="mt-1 text-quiet">
        {next
          ? "Then you go on where you were."
          : "To upload, measure and preview. Browsing and downloading need no account."}
      </p>
      <SignInForm state={state} next={next} />
    </Narrow>
  );
}
