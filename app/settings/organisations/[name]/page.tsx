import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { notFound } from "next/navigation.js";
import { role } from "#lib/catalog/namespaces/schema.ts";
import { getNamespace } from "#lib/catalog/namespaces/service.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { signedInPerson } from "../../../_page/actor.ts";
import { shown } from "../../../_page/shown.ts";
import { Button } from "../../../_ui/button.tsx";
import { Field, fromState, Problems, SelectField } from "../../../_ui/field.tsx";
import { Member } from "../../_parts/member.tsx";
import { Quota } from "../../_parts/quota.tsx";
import { roleWords } from "../../_parts/role-words.ts";

export const metadata: Metadata = { title: "Members", robots: { index: false } };

/** Who belongs to an organisation, for those who do; its owners change it here. */
export default async function OrganisationPage({ params }: { readonly params: Promise<{ readonly name: string }> }) {
  const { name } = await params;
  const actor = await signedInPerson(`/settings/organisations/${name}`);
  const namespace = await shown(getNamespace(actor, name));
  if (namespace.members === null) notFound();
  const state = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  const mayManage = namespace.role === "owner" || actor.isOperator;
  const page = `/settings/organisations/${encodeURIComponent(namespace.name)}`;
  return (
    <div className="max-w-[72ch]">
      <p className="text-small">
        <a href="/settings#organisations">Settings</a>
      </p>
      <h1 className="mt-1 text-page [overflow-wrap:anywhere]">
        Members of <a href={`/${namespace.name}`}>{namespace.name}</a>
      </h1>
      <Problems state={state} />
      {namespace.quota && (
        <div className="mt-4">
          <Quota quota={namespace.quota} />
        </div>
      )}
      <ul className="mt-4 border-t border-edge">
        {namespace.members.map((member) => (
          <Member
            key={member.username}
            page={page}
            of={namespace.name}
            member={member}
            isYou={member.username === actor.name}
            mayManage={mayManage}
          />
        ))}
      </ul>
      {mayManage && (
        <form
          method="post"
          action={`${page}/members`}
          className="mt-4 grid items-end gap-x-4 sm:grid-cols-[minmax(0,1fr)_14rem_auto]"
        >
          <Field
            name="username"
            label="Username of a new member"
            required
            maxLength={96}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            {...fromState(state, "username")}
          />
          <SelectField name="role" label="As" defaultValue="writer">
            {role.options.map((one) => (
              <option key={one} value={one}>
                {one}: {roleWords[one]}
              </option>
            ))}
          </SelectField>
          <Button type="submit" className="mb-4">
            Take in
          </Button>
        </form>
      )}
    </div>
  );
}
