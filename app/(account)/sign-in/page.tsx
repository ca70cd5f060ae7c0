import type { Metadata } from "next";
import { cookies, headers } from "next/headers.js";
import { redirect } from "next/navigation.js";
import { personOfSession } from "#lib/auth/session.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { SignInForm } from "./form.tsx";

export const metadata: Metadata = { title: "Sign in · Guidepost", robots: { index: false } };

export default async function SignInPage() {
  if (await personOfSession(await headers())) redirect("/");
  const state = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  return (
    <main>
      <h1 className="text-2xl font-semibold">Sign in</h1>
      <SignInForm state={state} />
      <p className="mt-6">
        No account yet? <a href="/join">Sign up</a>
      </p>
    </main>
  );
}
