import type { Metadata } from "next";
import { ButtonLink } from "./_ui/button.tsx";

export const metadata: Metadata = { title: "Sign in first" };

export default function Unauthorized() {
  return (
    <div className="mx-auto max-w-[56ch] py-12 text-center">
      <h1 className="text-page">Sign in first</h1>
      <p className="mt-3 text-quiet">This page is for whoever has an account on this hub. Browsing and downloading need none.</p>
      <div className="mt-6 flex flex-wrap justify-center gap-3">
        <ButtonLink href="/sign-in" look="primary">
          Sign in
        </ButtonLink>
        <ButtonLink href="/join">Sign up</ButtonLink>
      </div>
    </div>
  );
}
