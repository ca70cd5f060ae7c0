import type { Metadata } from "next";
import { ButtonLink } from "./_ui/button.tsx";
import { DeadEnd } from "./_ui/dead-end.tsx";

export const metadata: Metadata = { title: "Sign in first" };

export default function Unauthorized() {
  return (
    <DeadEnd
      title="Sign in first"
      actions={
        <>
          <ButtonLink href="/sign-in" look="primary">
            Sign in
          </ButtonLink>
          <ButtonLink href="/join">Sign up</ButtonLink>
        </>
      }
    >
      This page is for whoever has an account on this hub. Browsing and downloading need none.
    </DeadEnd>
  );
}
