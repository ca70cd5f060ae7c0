import { passwordLength, passwordRules } from "#lib/auth/schema.ts";
import type { FormState } from "#lib/http/form.ts";
import { Button } from "../../_ui/button.tsx";
import { Field, fromState, Problems } from "../../_ui/field.tsx";

/** Signing up. `email` is the only address that the invitation is for. */
export function JoinForm({
  invitation,
  email,
  state,
  next = null,
}: {
  readonly invitation: string | null;
  readonly email: string | null;
  readonly state: FormState;
  readonly next?: string | null;
}) {
  const shown = email === null ? state : { ...state, values: { ...state.values, email } };
  return (
    <form method="post" action="/join/submit">
      <Problems state={state} />
      {next && <input type="hidden" name="next" value={next} />}
      {invitation && <input type="hidden" name="invitation" value={invitation} />}
      <Field
        {...fromState(shown, "username")}
        name="username"
        label="Username"
        hint="The first half of “owner/repo”; it stays. Letters, digits, “-”, “_” and “.”, 40 at most."
        required
        maxLength={40}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
      />
      <Field
        {...fromState(shown, "name")}
        name="name"
        label="Name (if you like)"
        hint="What others see."
        maxLength={100}
        autoComplete="name"
      />
      <Field
        {...fromState(shown, "email")}
        name="email"
        label="E-mail address"
        hint="Shown to nobody; you can sign in with it."
        type="email"
        required
        maxLength={254}
        readOnly={email !== null}
        autoComplete="email"
      />
      <Field
        {...fromState(shown, "password")}
        name="password"
        label="Password"
        hint={passwordRules}
        type="password"
        required
        minLength={passwordLength.min}
        maxLength={passwordLength.max}
        autoComplete="new-password"
      />
      <Button type="submit" look="primary" className="w-full">
        Sign up
      </Button>
    </form>
  );
}
