"use client";

import { MOST_CLIP_SKIP, MOST_GUIDE_STRENGTH, MOST_PROMPT, MOST_STEPS } from "#lib/catalog/previews/limits.ts";
import { type Settings, usual } from "./address.ts";
import { ChoiceField } from "./choice-field.tsx";
import { Dial } from "./dial.tsx";

const syntaxes = { plain: "plain text", a1111: "A1111's syntax" } as const;
const aboutSyntax = {
  plain: "every character is text; what passes 75 tokens is cut",
  a1111: "(a:1.2) and ((a)) weigh more, [a] less; BREAK; <lora:name:0.6> adds one of this hub; long prompts go on",
} as const;

interface MoreSettingsProps {
  readonly shown: Settings;
  readonly hasGuide: boolean;
  readonly problemOfCfg: string | null;
  readonly change: (field: keyof Settings) => (value: string) => void;
}

/** What few people change; open where something of it is changed. */
export function MoreSettings({ shown, hasGuide, problemOfCfg, change }: MoreSettingsProps) {
  const isChanged =
    shown.negativePrompt !== "" ||
    (hasGuide && (Number(shown.cfgSteps) > 0 || Number(shown.guideStrength) !== 1)) ||
    (["promptSyntax", "guidanceRescale", "clipSkip"] as const).some((name) => shown[name] !== usual[name]);
  return (
    <details open={isChanged || undefined}>
      <summary className="font-medium">Negative prompt, prompt syntax, CFG steps, guide strength and more</summary>
      <div className="mt-3 grid gap-x-8 gap-y-5 sm:grid-cols-3">
        <div className="sm:col-span-2">
          <label htmlFor="negativePrompt" className="block font-medium">
            Negative prompt
          </label>
          <input
            id="negativePrompt"
            name="negativePrompt"
            maxLength={MOST_PROMPT}
            value={shown.negativePrompt}
            onChange={(event) => change("negativePrompt")(event.target.value)}
            aria-describedby="negative-about"
            className="mt-1 min-h-9 w-full rounded border border-edge bg-raised px-3"
          />
          <p id="negative-about" className="mt-0.5 text-small text-quiet">
            only CFG can follow one
          </p>
        </div>
        <ChoiceField
          name="promptSyntax"
          label="Prompts are read as"
          choices={syntaxes}
          value={shown.promptSyntax}
          hint={aboutSyntax[shown.promptSyntax === "a1111" ? "a1111" : "plain"]}
          onChange={change("promptSyntax")}
        />
        <Dial
          name="cfgSteps"
          label="CFG steps first"
          hint={hasGuide ? "that CFG does before the guide takes over" : "go before a guide, and there is none"}
          value={hasGuide ? shown.cfgSteps : "0"}
          min={0}
          max={MOST_STEPS}
          disabled={!hasGuide}
          problem={problemOfCfg}
          onChange={change("cfgSteps")}
        />
        <Dial
          name="guideStrength"
          label="Guide strength"
          hint={hasGuide ? "multiplies what the guide adds; 1 is as it was made" : "is of a guide, and there is none"}
          value={hasGuide ? shown.guideStrength : "1"}
          min={0}
          max={MOST_GUIDE_STRENGTH}
          step={0.05}
          disabled={!hasGuide}
          onChange={change("guideStrength")}
        />
        <Dial
          name="clipSkip"
          label="Text layers left out"
          hint="at the end of the text encoder; A1111's clip skip less 1"
          value={shown.clipSkip}
          min={0}
          max={MOST_CLIP_SKIP}
          onChange={change("clipSkip")}
        />
        <Dial
          name="guidanceRescale"
          label="Guidance rescale"
          hint="brings CFG's contrast back to the prompt's; 0 is none, 0.7 usual for v-prediction"
          value={shown.guidanceRescale}
          min={0}
          max={1}
          step={0.05}
          onChange={change("guidanceRescale")}
        />
      </div>
    </details>
  );
}
