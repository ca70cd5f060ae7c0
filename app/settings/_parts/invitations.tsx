import type { Invitation } from "#lib/auth/invitations.ts";
import { toMoment } from "../../_page/units.ts";
import { Table } from "../../_ui/table.tsx";
import { AskFirst } from "./ask-first.tsx";

/** Those that can still be used. */
export function Invitations({ invitations }: { readonly invitations: readonly Invitation[] }) {
  if (invitations.length === 0) return <p className="mt-3 text-quiet">None is open.</p>;
  return (
    <div className="mt-3">
      <Table caption="Open invitations" head={["for", "made", "ends", <span key="d" className="sr-only">take back</span>]}>
        {invitations.map(({ id, email, createdAt, expiresAt }) => (
          <tr key={id} data-row>
            <td className="min-w-40 [overflow-wrap:anywhere]">{email ?? "whoever has the link"}</td>
            <td className="whitespace-nowrap text-quiet">{toMoment(createdAt.toISOString())}</td>
            <td className="whitespace-nowrap text-quiet">{toMoment(expiresAt.toISOString())}</td>
            <td className="pr-0! text-right">
              <AskFirst id={`revoke-${id}`} button="Take back" label={`Take back the invitation for ${email ?? "whoever has the link"}`} question="Take this invitation back?" confirm="Take it back" action={`/settings/invitations/${id}/delete`}>
                Nobody can sign up with its link any more.
              </AskFirst>
            </td>
          </tr>
        ))}
      </Table>
    </div>
  );
}
