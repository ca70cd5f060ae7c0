"use client";

import { useRouter } from "next/navigation.js";
import { type FormEvent, type ReactNode, useState } from "react";
import { Button } from "../_ui/button.tsx";
import { Code } from "../_ui/code.tsx";
import { Field, SelectField } from "../_ui/field.tsx";
import { Notice } from "../_ui/notice.tsx";

const scopes = [
  ["read", "read what you may see"],
  ["write", "change repos and upload"],
  ["run", "previews and measurements"],
] as const;

export function NewToken() {
  return (
    <NewSecret path="/tokens" button="Make a token" secretOf={({ secret }) => secret!} label="Your new access token" body={(form) => ({ name: form.get("name"), scopes: form.getAll("scopes"), ...(form.get("days") && { expiresInDays: Number(form.get("days")) }) })}>
      <Field name="name" label="Name of a new token" hint="For you, to tell it from others." required maxLength={100} autoComplete="off" />
      <fieldset className="my-4">
        <legend className="font-medium">It may</legend>
        {scopes.map(([scope, what]) => (
          <label key={scope} className="flex items-center gap-2 py-0.5">
            <input type="checkbox" name="scopes" value={scope} defaultChecked={scope === "read"} className="size-4 accent-accent" />
            <code>{scope}</code> <span className="text-quiet">{what}</span>
          </label>
        ))}
      </fieldset>
      <SelectField name="days" label="It ends" defaultValue="90">
        <option value="7">in a week</option>
        <option value="90">in 90 days</option>
        <option value="365">in a year</option>
        <option value="">never</option>
      </SelectField>
    </NewSecret>
  );
}

export function NewInvitation() {
  return (
    <NewSecret path="/invitations" button="Make a link" secretOf={({ url }) => url!} label="The link of the invitation" body={(form) => ({ ...(form.get("email") && { email: form.get("email") }) })}>
      <Field name="email" label="Only for this e-mail address (if you like)" type="email" maxLength={254} autoComplete="off" />
    </NewSecret>
  );
}

interface NewSecretProps {
  readonly path: string;
  readonly button: string;
  readonly label: string;
  readonly children: ReactNode;
  body(form: FormData): object;
  secretOf(answer: { readonly secret?: string; readonly url?: string }): string;
}

/** Something that is shown once and kept nowhere: neither in a cookie nor in an address. */
function NewSecret({ path, button, label, children, body, secretOf }: NewSecretProps) {
  const [secret, setSecret] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { refresh } = useRouter();
  const onSubmit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const response = await fetch(`/api/v1${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body(new FormData(form))) }).catch(() => null);
    const answer = (await response?.json().catch(() => null)) as ({ error?: string } & Parameters<typeof secretOf>[0]) | null;
    if (!response?.ok || !answer) return setProblem(answer?.error ?? "The hub could not be reached; nothing was made. Try again.");
    setProblem(null);
    setSecret(secretOf(answer));
    form.reset();
    refresh();
  };
  return (
    <>
      <form onSubmit={(event) => void onSubmit(event)} className="max-w-[44ch]">
        {children}
        <Button type="submit">{button}</Button>
      </form>
      {problem && (
        <div className="mt-4">
          <Notice kind="bad" alert>
            {problem}
          </Notice>
        </div>
      )}
      {secret && (
        <div role="status" className="mt-4 space-y-2">
          <Notice kind="good">Copy it now: it is not shown again.</Notice>
          <Code label={label} text={secret} />
        </div>
      )}
    </>
  );
}
