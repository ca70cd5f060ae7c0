import type { Metadata } from "next";
import { ButtonLink } from "./_ui/button.tsx";

export const metadata: Metadata = { title: "Not here" };

/** Gone, never there, or not for this person to know of: the three are told alike, so that a private name stays private. */
export default function NotFound() {
  return (
    <div className="mx-auto max-w-[56ch] py-12 text-center">
      <p className="font-mono text-hero text-quiet">404</p>
      <h1 className="mt-2 text-page">There is nothing here that you may see</h1>
      <p className="mt-3 text-quiet">The address may be mistyped, what was here may have been deleted, or it is private. If it is yours or was shared with you, sign in and open it again.</p>
      <div className="mt-6 flex flex-wrap justify-center gap-3">
        <ButtonLink href="/browse" look="primary">
          Browse models and guides
        </ButtonLink>
        <ButtonLink href="/sign-in">Sign in</ButtonLink>
      </div>
    </div>
  );
}
