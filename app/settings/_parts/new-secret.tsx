"use client";

import { useRouter } from "next/navigation.js";
import { type FormEvent, type ReactNode, useState } from "react";
import { Button } from "../../_ui/button.tsx";
import { Code } from "../../_ui/code.tsx";
import { Field, SelectField } from "../../_ui/field.tsx";
import { Notice } from "../../_ui/notice.tsx";
import { invitationWords, type SecretWords, tokenWords } from "./secret-words.ts";

const scopes = [
  ["read", "what you may see"],
  ["write", "change repos and upload"],
  ["run", "previews and measurements"],
] as const;

interface NewProps {
  /** Of this hub, without a slash at the end. */
  readonly hub: string;
  /** What was written and came back, by a browser without scripts. */
  readonly given: string | undefined;
  readonly problem: string | undefined;
}

export function NewToken({
  hub,
  given,
  problem,
  scopesProblem,
}: NewProps & { readonly scopesProblem: string | undefined }) {
  const body = (form: FormData): object => ({
    name: form.get("token"),
    scopes: scopes.map(([scope]) => scope).filter((scope) => form.has(scope)),
    ...(form.get("days") && { expiresInDays: Number(form.get("days")) }),
  });
  return (
    <NewSecret path="/tokens" button="Make a token" body={body} wordsOf={({ secret }) => tokenWords(hub, secret!)}>
      <div className="grid gap-x-6 sm:grid-cols-[minmax(0,1fr)_12rem]">
        <Field
          name="token"
          label="Name of a new token"
          hint="For you, to tell it from others."
          required
          maxLength={100}
          autoComplete="off"
          defaultValue={given}
          problem={problem}
        />
        <SelectField name="days" label="It ends" hint="Then it is refused." defaultValue="90">
          <option value="7">in a week</option>
          <option value="90">in 90 days</option>
          <option value="365">in a year</option>
          <option value="">never</option>
        </SelectField>
      </div>
      <fieldset className="mb-4">
        <legend className="font-medium">It may</legend>
        {scopes.map(([scope, what]) => (
          <label key={scope} className="mr-6 inline-flex items-center gap-2 py-1">
            <input type="checkbox" name={scope} defaultChecked={scope === "read"} className="size-4 accent-accent" />
            <span>
              {scope} <span className="text-quiet">{what}</span>
            </span>
          </label>
        ))}
        {scopesProblem && <p className="font-medium text-incompatible">{scopesProblem}</p>}
      </fieldset>
    </NewSecret>
  );
}

export function NewInvitation({ given, problem }: Omit<NewProps, "hub">) {
  const body = (form: FormData): object => ({
    expiresInHours: Number(form.get("hours")),
    ...(form.get("email") && { email: form.get("email") }),
  });
  return (
    <NewSecret path="/invitations" button="Make a link" body={body} wordsOf={({ url }) => invitationWords(url!)}>
      <div className="grid gap-x-6 sm:grid-cols-[minmax(0,1fr)_12rem]">
        <Field
          name="email"
          label="Only for this e-mail address (if you like)"
          hint="Else for whoever has the link."
          type="email"
          maxLength={254}
          autoComplete="off"
          defaultValue={given}
          problem={problem}
        />
        <SelectField name="hours" label="The link ends" hint="Or when it was used." defaultValue="72">
          <option value="24">in a day</option>
          <option value="72">in 3 days</option>
          <option value="720">in 30 days</option>
        </SelectField>
      </div>
    </NewSecret>
  );
}

interface Answer {
  readonly error?: string;
  readonly secret?: string;
  readonly url?: string;
}

interface NewSecretProps {
  /** Of the API; the form of a browser without scripts goes to the same below the settings. */
  readonly path: string;
  readonly button: string;
  readonly children: ReactNode;
  body(form: FormData): object;
  wordsOf(answer: Answer): SecretWords;
}

/** Something that is shown once and kept nowhere: neither in a cookie nor in an address. */
function NewSecret({ path, button, children, body, wordsOf }: NewSecretProps) {
  const [words, setWords] = useState<SecretWords | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { refresh } = useRouter();
  const onSubmit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const response = await fetch(`/api/v1${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body(new FormData(form))),
    }).catch(() => null);
    const answer = (await response?.json().catch(() => null)) as Answer | null;
    if (!response?.ok || !answer)
      return setProblem(answer?.error ?? "The hub could not be reached; nothing was made. Try again.");
    setProblem(null);
    setWords(wordsOf(answer));
    form.reset();
    refresh();
  };
  return (
    <>
      <form method="post" action={`/settings${path}`} onSubmit={(event) => void onSubmit(event)}>
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
      {words && (
        <div role="status" className="mt-4 space-y-3">
          <Notice kind="good">{words.note}</Notice>
          <Code label={words.label} text={words.secret} />
          {words.lines && (
            <>
              <p className="text-small text-quiet">{words.linesNote}</p>
              <Code label="How to use it" text={words.lines} />
            </>
          )}
        </div>
      )}
    </>
  );
}
