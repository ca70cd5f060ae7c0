import type { Metadata } from "next";
import { ButtonLink } from "./_ui/button.tsx";
import { DeadEnd } from "./_ui/dead-end.tsx";

export const metadata: Metadata = { title: "Page not found" };

/** Gone, never there, or not for this person to know of: the three are told alike, so that a private name stays private. */
export default function NotFound() {
  return (
    <DeadEnd
      status={404}
      title="Page not found"
      actions={
        <>
          <ButtonLink href="/browse" look="primary">
            Browse models and guides
          </ButtonLink>
          <ButtonLink href="/sign-in">Sign in</ButtonLink>
        </>
      }
    >
      The address may be mistyped, what was here may have been deleted, or it is private. If it is yours or was shared
      with you, sign in and open it again.
    </DeadEnd>
  );
}
