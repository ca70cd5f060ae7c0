import type { InputHTMLAttributes, ReactNode, SelectHTMLAttributes, TextareaHTMLAttributes } from "react";
import type { FormState } from "#lib/http/form.ts";

interface Labelled {
  readonly name: string;
  readonly label: string;
  readonly hint?: ReactNode;
  /** What is wrong with what was written. */
  readonly problem?: string | undefined;
}

const box = "block w-full rounded border border-edge bg-raised px-3 py-1.5 aria-invalid:border-incompatible";

/** One line of a form: its label, what is asked for, what is wrong with what was written. */
export function Field({
  name,
  label,
  hint,
  problem,
  className = "",
  ...input
}: InputHTMLAttributes<HTMLInputElement> & Labelled) {
  return (
    <Row {...{ name, label, hint, problem }}>
      <input
        id={name}
        name={name}
        {...describedBy({ name, hint, problem })}
        className={`${box} ${className}`}
        {...input}
      />
    </Row>
  );
}

export function TextField({
  name,
  label,
  hint,
  problem,
  className = "",
  ...area
}: TextareaHTMLAttributes<HTMLTextAreaElement> & Labelled) {
  return (
    <Row {...{ name, label, hint, problem }}>
      <textarea
        id={name}
        name={name}
        {...describedBy({ name, hint, problem })}
        className={`${box} ${className}`}
        {...area}
      />
    </Row>
  );
}

export function SelectField({
  name,
  label,
  hint,
  problem,
  className = "",
  children,
  ...select
}: SelectHTMLAttributes<HTMLSelectElement> & Labelled) {
  return (
    <Row {...{ name, label, hint, problem }}>
      <select
        id={name}
        name={name}
        {...describedBy({ name, hint, problem })}
        className={`${box} min-h-9 ${className}`}
        {...select}
      >
        {children}
      </select>
    </Row>
  );
}

/** What is wrong with the whole, or how much is wrong below. Read out when the page comes. */
export function Problems({ state: { problems } }: { readonly state: FormState }) {
  if (Object.keys(problems).length === 0) return null;
  return (
    <p role="alert" className="my-4 rounded border-l-4 border-incompatible bg-raised p-3">
      {problems[""] ?? "Something has to be put right below."}
    </p>
  );
}

/** For a field of a form that was sent and came back. */
export const fromState = (
  state: FormState,
  name: string,
): { readonly defaultValue: string | undefined; readonly problem: string | undefined } => ({
  defaultValue: state.values[name],
  problem: state.problems[name],
});

function Row({ name, label, hint, problem, children }: Labelled & { readonly children: ReactNode }) {
  return (
    <div className="my-4">
      <label htmlFor={name} className="block font-medium">
        {label}
      </label>
      {hint && (
        <p id={`${name}-hint`} className="text-small text-quiet">
          {hint}
        </p>
      )}
      <div className="mt-1">{children}</div>
      {problem && (
        <p id={`${name}-problem`} className="mt-1 font-medium text-incompatible">
          {problem}
        </p>
      )}
    </div>
  );
}

function describedBy({ name, hint, problem }: Pick<Labelled, "name" | "hint" | "problem">) {
  const about = [hint && `${name}-hint`, problem && `${name}-problem`].filter(Boolean).join(" ");
  return { "aria-describedby": about || undefined, "aria-invalid": problem ? (true as const) : undefined };
}
