import type { InputHTMLAttributes } from "react";
import type { FormState } from "#lib/http/form.ts";

/** One line of a form: its label, what is asked for, what is wrong with what was written. */
export function Field({ name, label, hint, state, ...input }: FieldProps) {
  const problem = state.problems[name];
  const about = [hint && `${name}-hint`, problem && `${name}-problem`].filter(Boolean).join(" ");
  return (
    <div className="my-4">
      <label htmlFor={name} className="block font-semibold">
        {label}
      </label>
      {hint && (
        <p id={`${name}-hint`} className="text-quiet">
          {hint}
        </p>
      )}
      <input
        id={name}
        name={name}
        defaultValue={state.values[name]}
        aria-describedby={about || undefined}
        aria-invalid={problem ? true : undefined}
        className="block w-full rounded-md border border-line px-3 py-2"
        {...input}
      />
      {problem && (
        <p id={`${name}-problem`} className="font-semibold">
          {problem}
        </p>
      )}
    </div>
  );
}

/** What is wrong with the whole, or how much is wrong below. Read out when the page comes. */
export function Problems({ state: { problems } }: { readonly state: FormState }) {
  if (Object.keys(problems).length === 0) return null;
  return (
    <p role="alert" className="my-4 rounded-md border border-line p-3">
      {problems[""] ?? "Something has to be put right below."}
    </p>
  );
}

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly state: FormState;
}
