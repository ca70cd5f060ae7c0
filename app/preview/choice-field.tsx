"use client";

import type { ReactNode } from "react";

interface ChoiceFieldProps {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  /** By value, in words. */
  readonly choices: Readonly<Record<string, string>>;
  readonly hint: ReactNode;
  readonly onChange: (value: string) => void;
}

/** One of a few. */
export function ChoiceField({ name, label, value, choices, hint, onChange }: ChoiceFieldProps) {
  return (
    <div className="min-w-0">
      <label htmlFor={name} className="block font-medium">
        {label}
      </label>
      <select
        id={name}
        name={name}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        aria-describedby={`${name}-about`}
        className="mt-1 min-h-9 w-full rounded border border-edge bg-raised px-2"
      >
        {Object.entries(choices).map(([one, words]) => (
          <option key={one} value={one}>
            {words}
          </option>
        ))}
      </select>
      <p id={`${name}-about`} className="mt-0.5 text-small text-quiet">
        {hint}
      </p>
    </div>
  );
}
