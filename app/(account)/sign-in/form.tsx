import type { FormState } from "#lib/http/form.ts";
import { Button } from "../../_ui/button.tsx";
import { Field, fromState, Problems } from "../../_ui/field.tsx";

/** `next`: the page that whoever signs in was on their way to. */
export function SignInForm({
  state: { values, problems },
  next = null,
}: {
  readonly state: FormState;
  readonly next?: string | null;
}) {
  const login = problems["email"] ?? problems["username"]; // what it was taken for
  const state = { values, problems: login === undefined ? problems : { ...problems, login } };
  return (
    <form method="post" action="/sign-in/submit">
      <Problems state={state} />
      {next && <input type="hidden" name="next" value={next} />}
      <Field
        {...fromState(state, "login")}
        name="login"
        label="Username or e-mail address"
        required
        maxLength={254}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
      />
      <Field
        {...fromState(state, "password")}
        name="password"
        label="Password"
        type="password"
        required
        maxLength={128}
        autoComplete="current-password"
      />
      <Button type="submit" look="primary" className="w-full">
        Sign in
      </Button>
    </form>
  );
}
