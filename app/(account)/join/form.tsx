import { passwordLength, passwordRules } from "#lib/auth/schema.ts";
import type { FormState } from "#lib/http/form.ts";
import { Field, Problems } from "../field.tsx";

/** Signing up. `email` is the only address that the invitation is for. */
export function JoinForm({ invitation, email, state }: { readonly invitation: string | null; readonly email: string | null; readonly state: FormState }) {
  const shown = email === null ? state : { ...state, values: { ...state.values, email } };
  return (
    <form method="post" action="/join/submit">
      <Problems state={state} />
      {invitation && <input type="hidden" name="invitation" value={invitation} />}
      <Field name="username" label="Username" hint="The first half of «owner/repo»; it stays. Letters, digits, «-», «_» and «.», 40 at most." state={shown} required maxLength={40} autoComplete="username" autoCapitalize="none" spellCheck={false} />
      <Field name="name" label="Name (if you like)" hint="What others see." state={shown} maxLength={100} autoComplete="name" />
      <Field name="email" label="E-mail address" hint="Shown to nobody; you can sign in with it." state={shown} type="email" required maxLength={254} readOnly={email !== null} autoComplete="email" />
      <Field name="password" label="Password" hint={passwordRules} state={shown} type="password" required minLength={passwordLength.min} maxLength={passwordLength.max} autoComplete="new-password" />
      <button className="rounded-md border border-line px-4 py-2 font-semibold">Sign up</button>
    </form>
  );
}
