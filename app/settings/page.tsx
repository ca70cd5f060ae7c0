import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { z } from "zod";
import { listInvitations } from "#lib/auth/invitations.ts";
import { passwordLength, passwordRules } from "#lib/auth/schema.ts";
import { listTokens } from "#lib/auth/token.ts";
import { describeMe } from "#lib/catalog/namespaces/me.ts";
import { listEvaluators } from "#lib/catalog/evaluators/service.ts";
import { env } from "#lib/env.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { signedInPerson } from "../_page/actor.ts";
import { parseAddress, type SearchParams } from "../_page/address.ts";
import { ifThere } from "../_page/shown.ts";
import { Button } from "../_ui/button.tsx";
import { Facts } from "../_ui/facts.tsx";
import { Field, fromState, Problems } from "../_ui/field.tsx";
import { Notice } from "../_ui/notice.tsx";
import { Evaluators } from "./_parts/evaluators.tsx";
import { Invitations } from "./_parts/invitations.tsx";
import { NewInvitation, NewToken } from "./_parts/new-secret.tsx";
import { Organisations } from "./_parts/organisations.tsx";
import { Quota } from "./_parts/quota.tsx";
import { Section } from "./_parts/section.tsx";
import { Tokens } from "./_parts/tokens.tsx";
import { When } from "../_ui/when.tsx";

export const metadata: Metadata = { title: "Settings", robots: { index: false } };

const dones = {
  name: "Your name was changed.",
  password: "Your password was changed. Everything else that was signed in as you was signed out.",
  evaluator: "It judges from now on. What others measured before is shown as stale.",
  token: "The token was deleted; whoever uses it is refused.",
} as const;
const address = z.object({ done: z.enum(["name", "password", "token", "evaluator"]).optional() });

/** Who somebody is here: their name and password, tokens for programs, organisations, invitations. */
export default async function SettingsPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const actor = await signedInPerson("/settings");
  const { done } = parseAddress(address, await searchParams);
  const [me, tokens, invitations, evaluators] = await Promise.all([
    describeMe(actor),
    listTokens(actor),
    ifThere(listInvitations(actor)),
    listEvaluators(actor),
  ]);
  const state = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  /** Several forms write a name; which of them came back is told by the field that it kept. */
  const nameProblem = (field: string): string | undefined =>
    field in state.values ? state.problems["name"] : undefined;
  const parts = [
    ["account", "Account"],
    ["tokens", "Access tokens"],
    ["password", "Password"],
    ["quota", "What you use"],
    ["organisations", "Organisations"],
    ...(invitations ? [["invitations", "Invitations"]] : []),
    ...(me.isOperator
      ? [
          ["quotas", "Limits of others"],
          ["evaluators", "Evaluators"],
        ]
      : []),
  ] as const;
  return (
    <div className="grid gap-x-10 lg:grid-cols-[11rem_minmax(0,80ch)]">
      <div>
        <h1 className="text-page">Settings</h1>
        <nav aria-label="Settings" className="mt-2 mb-6 flex flex-wrap gap-x-4 gap-y-1 lg:sticky lg:top-6 lg:flex-col">
          {parts.map(([id, name]) => (
            <a key={id} href={`#${id}`} className="text-quiet no-underline hover:text-ink">
              {name}
            </a>
          ))}
        </nav>
      </div>
      <div className="min-w-0 lg:pt-1">
        <Problems state={state} />
        {done && Object.keys(state.problems).length === 0 && (
          <div role="status" className="mb-6">
            <Notice kind="good">{dones[done]}</Notice>
          </div>
        )}
        <Section id="account" title="Account">
          <div className="mt-3">
            <Facts
              facts={[
                [
                  "username",
                  <a key="u" href={`/${me.username}`}>
                    {me.username}
                  </a>,
                ],
                ["e-mail", me.email],
                ["here since", <When key="s" at={me.createdAt} as="day" />],
                ...(me.isOperator ? [["role", "operator of this hub: may do everything"] as const] : []),
              ]}
            />
          </div>
          <form method="post" action="/settings/name" className="flex max-w-[44ch] flex-wrap items-end gap-x-3">
            <div className="min-w-48 flex-1">
              <Field
                name="name"
                label="Name"
                hint="What others see beside your username."
                required
                maxLength={100}
                autoComplete="name"
                defaultValue={state.values["name"] ?? me.name}
                problem={nameProblem("name")}
              />
            </div>
            <Button type="submit" className="mb-4">
              Save
            </Button>
          </form>
        </Section>
        <Section
          id="tokens"
          title="Access tokens"
          about="What programs come in with. Each may do only what you give it, and can be taken away by itself."
        >
          <Tokens tokens={tokens} />
          <NewToken
            hub={env().publicUrl}
            given={state.values["token"]}
            problem={nameProblem("token")}
            scopesProblem={state.problems["scopes"]}
          />
        </Section>
        <Section
          id="password"
          title="Password"
          about="Everything else that is signed in as you is signed out when you change it."
        >
          <form method="post" action="/settings/password" className="max-w-[44ch]">
            <input type="text" name="username" autoComplete="username" defaultValue={me.username} readOnly hidden />
            <Field
              name="current"
              label="Current password"
              type="password"
              required
              maxLength={passwordLength.max}
              autoComplete="current-password"
              {...fromState(state, "current")}
            />
            <Field
              name="new"
              label="New password"
              hint={passwordRules}
              type="password"
              required
              minLength={passwordLength.min}
              maxLength={passwordLength.max}
              autoComplete="new-password"
              {...fromState(state, "new")}
            />
            <label className="mb-4 flex items-center gap-2">
              <input type="checkbox" name="revokeTokens" className="size-4 accent-accent" />
              Delete my access tokens as well
            </label>
            <Button type="submit">Change password</Button>
          </form>
        </Section>
        <Section
          id="quota"
          title="What you use"
          about="Bytes and files are all that your repos hold, with their history. An operator of this hub can give you more."
        >
          <div className="mt-3">
            <Quota quota={me.quota} />
          </div>
        </Section>
        <Section id="organisations" title="Organisations" about="A name that several people upload under.">
          <Organisations organisations={me.organisations} />
          <form
            method="post"
            action="/settings/organisations"
            className="flex max-w-[44ch] flex-wrap items-end gap-x-3"
          >
            <div className="min-w-48 flex-1">
              <Field
                name="organisation"
                label="Name of a new one"
                hint="It stays, and stands before the names of its models."
                required
                maxLength={40}
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                defaultValue={state.values["organisation"]}
                problem={nameProblem("organisation")}
              />
            </div>
            <Button type="submit" className="mb-4">
              Make it
            </Button>
          </form>
        </Section>
        {invitations && (
          <Section
            id="invitations"
            title="Invitations"
            about="Each link lets one person sign up. Only operators see this."
          >
            <Invitations invitations={invitations} />
            <NewInvitation given={state.values["email"]} problem={state.problems["email"]} />
          </Section>
        )}
        {me.isOperator && (
          <Section
            id="quotas"
            title="Limits of others"
            about="What one person or organisation may have here, where it is not what everybody has. Only operators see this."
          >
            <form method="post" action="/settings/quotas" className="flex max-w-[44ch] flex-wrap items-end gap-x-3">
              <div className="min-w-48 flex-1">
                <Field
                  name="quotaOf"
                  label="Name of a person or an organisation"
                  required
                  maxLength={96}
                  autoComplete="off"
                  autoCapitalize="none"
                  spellCheck={false}
                  {...fromState(state, "quotaOf")}
                />
              </div>
              <Button type="submit" className="mb-4">
                Show its limits
              </Button>
            </form>
          </Section>
        )}
        {me.isOperator && (
          <Section
            id="evaluators"
            title="Evaluators"
            about="What reads pictures here and so decides verdicts: chosen by operators, never by those who are judged. Where several judge a model, all must agree. Only operators see this."
          >
            <Evaluators evaluators={evaluators} />
            <form method="post" action="/settings/evaluators" className="mt-4 max-w-[44ch]">
              <Field
                name="evaluator"
                label="Install another"
                hint="The name of a public evaluator, like guidepost/evaluator. It is pinned to its newest version of today."
                required
                maxLength={200}
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                {...fromState(state, "evaluator")}
              />
              <Field
                name="bases"
                label="Bases that it judges"
                hint="With what was made from them; one that reads latents needs some, one that looks at pictures may judge any model."
                maxLength={4000}
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                {...fromState(state, "bases")}
              />
              <Button type="submit">Let it judge</Button>
            </form>
          </Section>
        )}
      </div>
    </div>
  );
}
