import type { Metadata } from "next";
import { ButtonLink } from "./_ui/button.tsx";

export const metadata: Metadata = { title: "Not yours to change" };

export default function Forbidden() {
  return (
    <div className="mx-auto max-w-[56ch] py-12 text-center">
      <p className="font-mono text-hero text-quiet">403</p>
      <h1 className="mt-2 text-page">You may look here, but not change this</h1>
      <p className="mt-3 text-quiet">It belongs to somebody else. Ask its owner for the right to write to it, or sign in as whoever has it. Nothing was changed.</p>
      <div className="mt-6 flex flex-wrap justify-center gap-3">
        <ButtonLink href="/" look="primary">
          To the front page
        </ButtonLink>
        <ButtonLink href="/sign-in">Sign in</ButtonLink>
      </div>
    </div>
  );
}
