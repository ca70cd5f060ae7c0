import type { Token } from "#lib/auth/token.ts";
import { toAge, toDay } from "../../_page/units.ts";
import { AskFirst } from "./ask-first.tsx";

/** What programs come in with, and when each was used last. */
export function Tokens({ tokens }: { readonly tokens: readonly Token[] }) {
  if (tokens.length === 0) return <p className="mt-3 text-quiet">You have none yet.</p>;
  return (
    <ul aria-label="Your access tokens" className="mt-3 border-t border-edge">
      {tokens.map(({ id, name, start, scopes, createdAt, lastUsedAt, expiresAt }) => (
        <li key={id} data-row className="flex items-start justify-between gap-4 border-b border-line py-2">
          <div className="min-w-0">
            <p className="[overflow-wrap:anywhere]">
              {name} <code className="text-small text-quiet">{start}…</code>
            </p>
            <p className="text-small text-quiet">
              may {scopes.join(", ")} · {lastUsedAt ? `last used ${toAge(lastUsedAt.toISOString())}` : "never used"} ·
              made {toAge(createdAt.toISOString())} · {expiresAt ? toEnd(expiresAt) : "never ends"}
            </p>
          </div>
          <AskFirst
            id={`delete-${id}`}
            button="Delete"
            label={`Delete the token ${name}`}
            question={`Delete the token ${name}?`}
            confirm="Delete it"
            action={`/settings/tokens/${id}/delete`}
          >
            Programs that use it are refused from then on. A new one has another secret.
          </AskFirst>
        </li>
      ))}
    </ul>
  );
}

const toEnd = (moment: Date): string => (moment < new Date() ? "has ended" : `ends on ${toDay(moment.toISOString())}`);
