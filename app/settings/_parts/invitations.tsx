import type { Invitation } from "#lib/auth/invitations.ts";
import { toAge, toMoment } from "../../_page/units.ts";
import { AskFirst } from "./ask-first.tsx";

/** Those that can still be used. */
export function Invitations({ invitations }: { readonly invitations: readonly Invitation[] }) {
  if (invitations.length === 0) return <p className="mt-3 text-quiet">None is open.</p>;
  return (
    <ul aria-label="Open invitations" className="mt-3 border-t border-edge">
      {invitations.map(({ id, email, createdAt, expiresAt }) => (
        <li key={id} data-row className="flex items-start justify-between gap-4 border-b border-line py-2">
          <div className="min-w-0">
            <p className="[overflow-wrap:anywhere]">for {email ?? "whoever has the link"}</p>
            <p className="text-small text-quiet">
              made {toAge(createdAt.toISOString())} · ends on {toMoment(expiresAt.toISOString())}
            </p>
          </div>
          <AskFirst
            id={`revoke-${id}`}
            button="Take back"
            label={`Take back the invitation for ${email ?? "whoever has the link"}`}
            question="Take this invitation back?"
            confirm="Take it back"
            action={`/settings/invitations/${id}/delete`}
          >
            Nobody can sign up with its link any more.
          </AskFirst>
        </li>
      ))}
    </ul>
  );
}
