import type { FormState } from "#lib/http/form.ts";
import { Field, Problems } from "../field.tsx";

export function SignInForm({ state: { values, problems } }: { readonly state: FormState }) {
  const login = problems["email"] ?? problems["username"]; // what it was taken for
  const state = { values, problems: login === undefined ? problems : { ...problems, login } };
  return (
    <form method="post" action="/sign-in/submit">
      <Problems state={state} />
      <Field name="login" label="Username or e-mail address" state={state} required maxLength={254} autoComplete="username" autoCapitalize="none" spellCheck={false} />
      <Field name="password" label="Password" state={state} type="password" required maxLength={128} autoComplete="current-password" />
      <button className="rounded-md border border-line px-4 py-2 font-semibold">Sign in</button>
    </form>
  );
}
