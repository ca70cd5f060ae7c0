"use client";

import type { Prompting } from "#lib/catalog/prompting/schema.ts";
import { someWords, unknownWords } from "./words.ts";

interface PromptFieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly prompting: Prompting;
  /** Where a suggestion leads before scripts come. */
  readonly addressOf: (prompt: string) => string;
  readonly problem: string | undefined;
  /** Whether “<lora:…>” asks for something and is no text. */
  readonly takesNetworks: boolean;
}

const AT_FIRST = 5;

/** The prompt, with suggestions that suit the model; words that a small vocabulary does not have are named, and do no harm. */
export function PromptField({
  value,
  onChange,
  prompting: { suggestions, words, triggers },
  addressOf,
  problem,
  takesNetworks,
}: PromptFieldProps) {
  const missing = triggers.filter(({ words: trigger }) => !value.toLowerCase().includes(trigger.toLowerCase()));
  const unknown =
    words === null
      ? []
      : unknownWords(
          triggers.reduce(
            (text, { words: trigger }) => text.replaceAll(trigger, " "),
            takesNetworks ? value.replaceAll(/<[^<>]*>/g, " ") : value,
          ),
          words,
        );
  const suggestion = (text: string) => (
    <li key={text} className="min-w-0">
      <a
        href={addressOf(text)}
        aria-current={text === value || undefined}
        onClick={(event) => {
          event.preventDefault();
          onChange(text);
        }}
        className="block rounded border border-line bg-raised px-2 py-0.5 text-small text-ink no-underline [overflow-wrap:anywhere] hover:border-accent aria-[current]:border-accent aria-[current]:text-accent"
      >
        {text}
      </a>
    </li>
  );
  return (
    <div>
      <label htmlFor="prompt" className="block font-medium">
        Prompt
      </label>
      <textarea
        id="prompt"
        name="prompt"
        rows={2}
        required
        maxLength={2000}
        value={value}
        onChange={(event) => onChange(event.target.value.replaceAll("\n", " "))}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          event.currentTarget.form?.requestSubmit();
        }}
        aria-describedby="prompt-words"
        aria-invalid={problem !== undefined || undefined}
        className="mt-1 block field-sizing-content min-h-16 w-full rounded border border-edge bg-raised px-3 py-2 text-title aria-invalid:border-incompatible"
      />
      <p id="prompt-words" aria-live="polite" className="mt-1 min-h-[1.45em] text-small text-quiet">
        {problem !== undefined && <span className="font-medium text-incompatible">{problem} </span>}
        {unknown.length > 0 && words !== null && (
          <span className="text-limits">
            The model does not know {unknown.map((word) => `“${word}”`).join(", ")}; it knows {words.length} words, like{" "}
            {someWords(words, 8).join(", ")}.
          </span>
        )}
        {unknown.length === 0 &&
          problem === undefined &&
          words !== null &&
          `This model knows ${words.length} words, and all of yours.`}
      </p>
      {missing.length > 0 && (
        <p className="mt-1 flex flex-wrap items-center gap-1.5 text-small">
          <span className="text-quiet">What brings out its style:</span>
          {missing.map(({ words: trigger, from, declared }) => (
            <span key={trigger} className="inline-flex flex-wrap items-center gap-1">
              <button
                type="button"
                onClick={() => onChange([trigger, value].filter(Boolean).join(", "))}
                className={`min-h-7 cursor-pointer rounded border px-2 ${declared ? "border-accent bg-tint text-accent" : "border-line bg-raised"}`}
              >
                insert “{trigger}”
              </button>
              <span className="text-quiet">
                {declared ? "" : "counted, "}
                {from}
              </span>
            </span>
          ))}
        </p>
      )}
      {suggestions.length > 0 && (
        <div className="mt-2">
          <p className="sr-only" id="suggestions">
            Suggestions
          </p>
          <ul aria-labelledby="suggestions" className="flex flex-wrap gap-1.5">
            {suggestions.slice(0, AT_FIRST).map(suggestion)}
          </ul>
          {suggestions.length > AT_FIRST && (
            <details className="mt-1.5">
              <summary className="text-small text-quiet">More suggestions</summary>
              <ul aria-label="More suggestions" className="mt-1.5 flex flex-wrap gap-1.5">
                {suggestions.slice(AT_FIRST).map(suggestion)}
              </ul>
            </details>
          )}
        </div>
      )}
    </div>
  );
}
