import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { unauthorized } from "next/navigation.js";
import { listInvitations } from "#lib/auth/invitations.ts";
import { passwordLength, passwordRules } from "#lib/auth/schema.ts";
import { listTokens } from "#lib/auth/token.ts";
import { describeMe } from "#lib/catalog/namespaces/me.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { currentActor } from "../_page/actor.ts";
import { ifThere } from "../_page/shown.ts";
import { toAge, toMoment } from "../_page/units.ts";
import { Button } from "../_ui/button.tsx";
import { Facts } from "../_ui/facts.tsx";
import { Field, fromState, Problems } from "../_ui/field.tsx";
import { Notice } from "../_ui/notice.tsx";
import { Table } from "../_ui/table.tsx";
import { NewInvitation, NewToken } from "./new-secret.tsx";

export const metadata: Metadata = { title: "Settings", robots: { index: false } };

/** Who somebody is here: their name and password, tokens for programs, organisations, invitations. */
export default async function SettingsPage() {
  const actor = await currentActor();
  if (actor.kind !== "person" || actor.tokenId !== null) unauthorized();
  const [me, tokens, invitations] = await Promise.all([describeMe(actor), listTokens(actor), ifThere(listInvitations(actor))]);
  const state = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  return (
    <div className="max-w-[80ch] space-y-12">
      <section aria-labelledby="account">
        <h1 id="account" className="mb-3 text-page">
          Settings
        </h1>
        <Problems state={state} />
        <Facts facts={[["username", <a key="u" href={`/${me.username}`}>{me.username}</a>], ["e-mail", me.email], ...(me.isOperator ? [["role", "operator of this hub: may do everything"] as const] : [])]} />
      </section>
      <section aria-labelledby="tokens">
        <h2 id="tokens" className="text-title">
          Access tokens
        </h2>
        <p className="text-quiet">
          For programs: as <code>Authorization: Bearer gp_…</code>, or in <code>HF_TOKEN</code> for <code>hf</code>. Each may do only what you give it.
        </p>
        {tokens.length > 0 && (
          <div className="mt-3">
            <Table caption="Your access tokens" head={["name", "begins with", "may", "last used", "expires", <span key="d" className="sr-only">delete</span>]}>
              {tokens.map(({ id, name, start, scopes, lastUsedAt, expiresAt }) => (
                <tr key={id} data-row>
                  <td className="[overflow-wrap:anywhere]">{name}</td>
                  <td>
                    <code>{start}…</code>
                  </td>
                  <td>{scopes.join(", ")}</td>
                  <td className="text-quiet">{lastUsedAt ? toAge(lastUsedAt.toISOString()) : "never"}</td>
                  <td className="text-quiet">{expiresAt ? toMoment(expiresAt.toISOString()).split(",")[0] : "never"}</td>
                  <td className="text-right">
                    <form method="post" action={`/settings/tokens/${id}/delete`}>
                      <Button type="submit" look="danger" aria-label={`Delete the token ${name}`}>
                        Delete
                      </Button>
                    </form>
                  </td>
                </tr>
              ))}
            </Table>
          </div>
        )}
        <NewToken />
      </section>
      <section aria-labelledby="password">
        <h2 id="password" className="text-title">
          Password
        </h2>
        <form method="post" action="/settings/password" className="max-w-[44ch]">
          <input type="hidden" name="username" autoComplete="username" value={me.username} />
          <Field name="current" label="Current password" type="password" required maxLength={passwordLength.max} autoComplete="current-password" {...fromState(state, "current")} />
          <Field name="new" label="New password" hint={passwordRules} type="password" required minLength={passwordLength.min} maxLength={passwordLength.max} autoComplete="new-password" {...fromState(state, "new")} />
          <p className="text-small text-quiet">Everything else that is signed in as you is signed out.</p>
          <Button type="submit" className="mt-2">
            Change password
          </Button>
        </form>
      </section>
      <section aria-labelledby="organisations">
        <h2 id="organisations" className="text-title">
          Organisations
        </h2>
        <p className="text-quiet">A name that several people upload under.</p>
        <form method="post" action="/settings/organisations" className="flex max-w-[44ch] items-end gap-3">
          <div className="flex-1">
            <Field name="name" label="Name of a new one" required maxLength={40} autoComplete="off" {...fromState(state, "name")} />
          </div>
          <Button type="submit" className="mb-4">
            Make it
          </Button>
        </form>
      </section>
      {invitations && (
        <section aria-labelledby="invitations">
          <h2 id="invitations" className="text-title">
            Invitations
          </h2>
          <p className="text-quiet">Each link lets one person sign up.</p>
          {invitations.length > 0 && (
            <div className="mt-3">
              <Table caption="Open invitations" head={["for", "until", <span key="d" className="sr-only">take back</span>]}>
                {invitations.map(({ id, email, expiresAt }) => (
                  <tr key={id} data-row>
                    <td>{email ?? "whoever has the link"}</td>
                    <td className="text-quiet">{toMoment(expiresAt.toISOString())}</td>
                    <td className="text-right">
                      <form method="post" action={`/settings/invitations/${id}/delete`}>
                        <Button type="submit">Take back</Button>
                      </form>
                    </td>
                  </tr>
                ))}
              </Table>
            </div>
          )}
          <NewInvitation />
        </section>
      )}
      <noscript>
        <Notice>What is shown only once, a token or the link of an invitation, needs scripts here. Without them ask for it with curl, as the API says.</Notice>
      </noscript>
    </div>
  );
}
