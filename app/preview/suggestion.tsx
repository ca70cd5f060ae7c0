"use client";

import { samplerLabels } from "#lib/sampler-names.ts";
import type { Settings } from "./address.ts";
import type { Accelerator } from "./studio-props.ts";

type Wanted = Pick<Settings, "sampler" | "steps" | "guidance">;

/** What a LoRA that shortens sampling was made for, to be taken over in one go. */
export function Suggestion({
  of: { name, from, sampler, timestepSpacing, steps, guidance },
  addressOf,
  onTake,
}: {
  readonly of: Accelerator;
  /** Where it leads before scripts come. */
  readonly addressOf: (wanted: Wanted) => string;
  readonly onTake: (wanted: Wanted) => void;
}) {
  const wanted = { sampler, steps: String(steps), guidance: String(guidance) };
  return (
    <p className="flex flex-wrap items-center gap-x-3 gap-y-1 border-l-2 border-accent pl-3 text-small">
      <span>
        It shortens sampling: {name} <span className="text-quiet">({from})</span>, made for {samplerLabels[sampler]},{" "}
        {steps} steps, guidance {guidance}
        {timestepSpacing === "trailing" && ", on a base whose schedule has trailing timesteps"}.
      </span>
      <a
        href={addressOf(wanted)}
        onClick={(event) => {
          event.preventDefault();
          onTake(wanted);
        }}
        className="inline-flex min-h-7 items-center rounded border border-accent bg-tint px-2 no-underline"
      >
        Use these
      </a>
    </p>
  );
}
