import type { Metadata } from "next";
import { ButtonLink } from "./_ui/button.tsx";
import { DeadEnd } from "./_ui/dead-end.tsx";

export const metadata: Metadata = { title: "Not yours to change" };

export default function Forbidden() {
  return (
    <DeadEnd
      status={403}
      title="You may look here, but not change this"
      actions={
        <>
          <ButtonLink href="/" look="primary">
            To the front page
          </ButtonLink>
          <ButtonLink href="/sign-in">Sign in</ButtonLink>
        </>
      }
    >
      It belongs to somebody else. Ask its owner for the right to write to it, or sign in as whoever has it. Nothing was
      changed.
    </DeadEnd>
  );
}
