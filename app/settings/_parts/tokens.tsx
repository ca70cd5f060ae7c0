import type { Token } from "#lib/auth/token.ts";
import { toAge, toMoment } from "../../_page/units.ts";
import { Table } from "../../_ui/table.tsx";
import { AskFirst } from "./ask-first.tsx";

/** What programs come in with, and when each was used last. */
export function Tokens({ tokens }: { readonly tokens: readonly Token[] }) {
  if (tokens.length === 0) return <p className="mt-3 text-quiet">You have none yet.</p>;
  return (
    <div className="mt-3">
      <Table caption="Your access tokens" head={["name", "begins with", "may", "last used", "ends", <span key="d" className="sr-only">delete</span>]}>
        {tokens.map(({ id, name, start, scopes, lastUsedAt, expiresAt }) => (
          <tr key={id} data-row>
            <td className="min-w-32 [overflow-wrap:anywhere]">{name}</td>
            <td>
              <code>{start}…</code>
            </td>
            <td>{scopes.join(", ")}</td>
            <td className="whitespace-nowrap text-quiet">{lastUsedAt ? toAge(lastUsedAt.toISOString()) : "never"}</td>
            <td className="whitespace-nowrap text-quiet">{expiresAt ? toEnd(expiresAt) : "never"}</td>
            <td className="pr-0! text-right">
              <AskFirst id={`delete-${id}`} button="Delete" label={`Delete the token ${name}`} question={`Delete the token ${name}?`} confirm="Delete it" action={`/settings/tokens/${id}/delete`}>
                Programs that use it are refused from then on. A new one has another secret.
              </AskFirst>
            </td>
          </tr>
        ))}
      </Table>
    </div>
  );
}

const toEnd = (moment: Date): string => (moment < new Date() ? "has ended" : toMoment(moment.toISOString()).split(",")[0]!);
