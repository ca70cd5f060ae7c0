"use client";

import { useRouter } from "next/navigation.js";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { MOST_GUIDANCE, MOST_STEPS, MOST_STRENGTH, sizeProblem } from "#lib/catalog/previews/limits.ts";
import { passesOfMode } from "#lib/catalog/previews/passes.ts";
import type { OpenedRecipe } from "#lib/catalog/recipes/schema.ts";
import { samplerLabels, samplerNames } from "#lib/sampler-names.ts";
import { Button, ButtonLink } from "../_ui/button.tsx";
import { ModeName, modes } from "../_ui/mode.tsx";
import { Notice } from "../_ui/notice.tsx";
import { Term } from "../_ui/term.tsx";
import { parseSizeText, type Settings, studioAddress, toSizeText, usual } from "./address.ts";
import { AtItsBest } from "./at-its-best.tsx";
import { ChoiceField } from "./choice-field.tsx";
import { Dial } from "./dial.tsx";
import { GuideField } from "./guide-field.tsx";
import { MoreSettings } from "./more-settings.tsx";
import { openPicture, sayOpened } from "./open-picture.ts";
import { PromptField } from "./prompt-field.tsx";
import { newId, runPreview } from "./run-preview.ts";
import { problemOfSeed, SeedField } from "./seed-field.tsx";
import { SizeField } from "./size-field.tsx";
import type { StudioProps } from "./studio-props.ts";
import { Suggestion } from "./suggestion.tsx";
import { useForecast } from "./use-forecast.ts";
import { sayWait } from "./wait.ts";

interface Message {
  readonly kind: "plain" | "careful" | "bad";
  readonly lines: readonly string[];
}

/** The form of the studio. It is sent as any form before scripts come; with them it says at once what a change would cost. */
export function Studio({ children, ...props }: StudioProps & { readonly children: ReactNode }) {
  const {
    models,
    finetune,
    refused,
    revision,
    guides,
    guide,
    guideRevision,
    range,
    prompting,
    model,
    forecast: first,
    best,
    isSignedIn,
    problems,
  } = props;
  const router = useRouter();
  const [settings, set] = useState<Settings>(props.settings);
  const [isPromptChosen, choosePrompt] = useState(props.isPromptChosen);
  const [message, say] = useState<Message | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [isOver, setOver] = useState(false);
  const asked = useRef({ id: "", body: "" });

  // A prompt that nobody wrote was chosen for the model before; this one has its own.
  const shown: Settings = isPromptChosen ? settings : { ...settings, prompt: props.settings.prompt };
  const [steps, guidance, cfgSteps] = [
    Number(shown.steps),
    Number(shown.guidance),
    guide === null ? 0 : Number(shown.cfgSteps),
  ];
  const guideStrength = guide === null ? 1 : Number(shown.guideStrength);
  const address = studioAddress(
    { finetune, revision, guide, guideRevision },
    isPromptChosen ? shown : { ...shown, prompt: "" },
  );
  const change = (field: keyof Settings) => (value: string) => {
    if (field === "prompt") choosePrompt(true);
    set((now) => ({ ...now, [field]: value }));
  };

  // The address follows what is typed; not while the page is left, for that would call it back.
  const following = useRef<ReturnType<typeof setTimeout>>(undefined);
  const isLeaving = useRef(false);
  useEffect(() => {
    isLeaving.current = false; // another page of the studio has come
  }, [props.settings]);
  useEffect(() => {
    following.current = setTimeout(() => {
      if (!isLeaving.current) window.history.replaceState(null, "", address);
    }, 400);
    return () => clearTimeout(following.current);
  }, [address]);
  const replace = (to: string): void => {
    clearTimeout(following.current);
    isLeaving.current = to !== window.location.pathname + window.location.search;
    router.replace(to, { scroll: false });
  };

  const problemOfGuidance =
    guidance !== 1 && range && (guidance < range.min || guidance > range.max)
      ? `This guide was trained on ${range.min} to ${range.max}; choose a value inside, or 1 for none.`
      : null;
  const problemOfCfg = cfgSteps > steps ? `At most all ${steps} steps.` : null;
  const [isLora, whyNot] = [model?.isLora ?? false, model?.whyNot ?? null];
  const size = parseSizeText(shown.size);
  const sizeFault = size && sizeProblem(size);
  const seedFault = problemOfSeed(shown.seed);
  const sampler = samplerNames.find((name) => name === shown.sampler) ?? samplerNames[0];
  const isValid = steps >= 1 && steps <= MOST_STEPS && guidance >= 1 && guidance <= MOST_GUIDANCE;
  const query =
    finetune === null || !isValid
      ? null
      : new URLSearchParams({
          finetune,
          ...(revision && { revision }),
          ...(guide !== null && { guide }),
          steps: String(steps),
          guidanceScale: String(guidance),
          cfgSteps: String(Math.max(0, Math.min(cfgSteps, MOST_STEPS))),
          sampler,
          ...(size && sizeFault === null && { width: String(size.width), height: String(size.height) }),
        }).toString();
  const forecast = useForecast(query, first);

  const fill = (recipe: OpenedRecipe, name: string): void => {
    const next: Settings = {
      prompt: recipe.prompt,
      negativePrompt: recipe.negativePrompt ?? "",
      promptSyntax: recipe.promptSyntax,
      seed: String(recipe.seed ?? settings.seed),
      size: toSizeText(recipe),
      steps: String(recipe.steps ?? settings.steps),
      guidance: String(recipe.guidanceScale ?? settings.guidance),
      guidanceRescale: String(recipe.guidanceRescale ?? usual.guidanceRescale),
      cfgSteps: String(recipe.cfgSteps ?? 0),
      guideStrength: String(recipe.guideStrength ?? 1),
      sampler: recipe.sampler ?? settings.sampler,
      clipSkip: String(recipe.clipSkip),
      loraStrength: String(recipe.loraStrength),
    };
    set(next);
    choosePrompt(true);
    say({
      kind: recipe.missing.length + recipe.notes.length > 0 ? "careful" : "plain",
      lines: sayOpened(name, recipe),
    });
    const at = recipe.finetune ?? null;
    const by = recipe.guide ?? null;
    replace(
      studioAddress(
        {
          finetune: at?.repo ?? finetune,
          revision: at && !at.isHead ? at.commit : null,
          ...(by
            ? { guide: by.repo, guideRevision: by.isHead ? null : by.commit }
            : at === null || at.repo === finetune
              ? { guide }
              : {}),
        },
        next,
      ),
    );
  };

  const open = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    try {
      fill(await openPicture(file), file.name);
    } catch (cause) {
      say({ kind: "bad", lines: [cause instanceof Error ? cause.message : `${file.name} cannot be read.`] });
    }
  };

  useEffect(() => {
    const carriesFile = (event: globalThis.DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
    const over = (event: globalThis.DragEvent): void => {
      if (!carriesFile(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: globalThis.DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    document.addEventListener("dragover", over);
    document.addEventListener("dragleave", leave);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("dragleave", leave);
    };
  }, []);
  const opener = useRef(open);
  opener.current = open;
  useEffect(() => {
    const drop = (event: globalThis.DragEvent): void => {
      event.preventDefault();
      setOver(false);
      void opener.current(event.dataTransfer?.files[0]);
    };
    document.addEventListener("drop", drop);
    return () => document.removeEventListener("drop", drop);
  }, []);

  const run = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    const pressed = (event.nativeEvent as SubmitEvent).submitter;
    if (finetune === null || (pressed instanceof HTMLButtonElement && pressed.formMethod === "get")) return;
    event.preventDefault();
    const body = JSON.stringify({
      finetune,
      ...(revision && { revision }),
      guide,
      ...(guideRevision && guide !== null && { guideRevision }),
      prompt: shown.prompt.trim(),
      negativePrompt: shown.negativePrompt.trim() || null,
      promptSyntax: shown.promptSyntax,
      seed: shown.seed.trim(), // as text: a number would lose what is above 2^53
      ...size,
      steps,
      guidanceScale: guidance,
      guidanceRescale: Number(shown.guidanceRescale),
      cfgSteps,
      guideStrength,
      sampler,
      clipSkip: Number(shown.clipSkip),
      ...(isLora && { loraStrength: Number(shown.loraStrength) }),
    });
    // The same wish keeps its id, so that a second press after a lost answer draws nothing twice.
    if (asked.current.body !== body) asked.current = { id: newId(), body };
    setBusy(true);
    clearTimeout(following.current);
    window.history.replaceState(null, "", address); // where “back” leads
    try {
      window.location.assign(`/previews/${await runPreview(asked.current.id, body)}`);
    } catch (cause) {
      setBusy(false);
      say({
        kind: "bad",
        lines: [cause instanceof Error ? cause.message : "The hub cannot be reached; try again in a moment."],
      });
    }
  };

  const go = (to: Parameters<typeof studioAddress>[0]): void =>
    replace(studioAddress(to, { ...shown, prompt: isPromptChosen ? shown.prompt : "" }));
  const drawn = modes.filter((mode) => mode !== "guide" || guide !== null);

  return (
    <div>
      <div className="flex flex-wrap items-baseline justify-between gap-x-6 gap-y-2">
        <div>
          <h1 className="text-page">Preview</h1>
          <p className="text-quiet">
            One <Term word="seed" />, drawn three times from the same noise: with the prompt alone, with a{" "}
            <Term word="guide" />, with <Term word="cfg">CFG</Term>.
          </p>
        </div>
        <label className="inline-flex min-h-9 cursor-pointer items-center rounded border border-dashed border-edge px-3 text-small focus-within:outline-2 focus-within:outline-offset-2 focus-within:outline-accent hover:border-accent hover:text-accent noscript:hidden">
          Drop a PNG anywhere, or choose one, to open its recipe
          <input
            type="file"
            accept="image/png"
            className="sr-only"
            onChange={(event) => {
              void open(event.target.files?.[0]);
              event.target.value = "";
            }}
          />
        </label>
      </div>
      {isOver && (
        <div aria-hidden className="pointer-events-none fixed inset-0 z-30 grid place-items-center bg-surface/85">
          <p className="rounded border-2 border-dashed border-accent bg-raised px-8 py-6 text-title">
            Drop the picture to open its recipe
          </p>
        </div>
      )}
      <div className="mt-4 space-y-3 empty:hidden" aria-live="polite">
        {refused !== null && (
          <Notice kind="bad">
            There is no model {refused} that you may see. Check the name,{" "}
            {isSignedIn ? "" : "sign in if it is private, "}or choose another below.
          </Notice>
        )}
        {whyNot !== null && (
          <Notice kind="bad">
            Nothing can be drawn with <a href={`/${finetune}`}>{finetune}</a>. {whyNot} Choose another below.
          </Notice>
        )}
        {message && (
          <Notice kind={message.kind} alert={message.kind === "bad"}>
            {message.lines.map((line) => (
              <p key={line}>{line}</p>
            ))}
          </Notice>
        )}
        {Object.keys(problems).length > 0 && !message && (
          <Notice kind="bad" alert>
            {Object.values(problems).map((line) => (
              <p key={line}>{line}</p>
            ))}
          </Notice>
        )}
      </div>
      <form
        method="post"
        action="/preview/run"
        onSubmit={(event) => void run(event)}
        className="mt-5 grid items-start gap-x-12 gap-y-8 lg:grid-cols-[minmax(0,1fr)_400px]"
      >
        <div className="min-w-0 space-y-5">
          <div className="grid gap-4 sm:grid-cols-2">
            <div className="min-w-0">
              <label htmlFor="finetune" className="block font-medium">
                Model
              </label>
              <select
                id="finetune"
                name="finetune"
                value={finetune ?? ""}
                onChange={(event) => go({ finetune: event.target.value })}
                className="mt-1 block min-h-9 w-full rounded border border-edge bg-raised px-2"
              >
                {finetune === null && <option value="">choose one</option>}
                <optgroup label="Fine-tunes">
                  {models.finetunes.map((name) => (
                    <option key={name}>{name}</option>
                  ))}
                </optgroup>
                <optgroup label="Bases">
                  {models.bases.map((name) => (
                    <option key={name}>{name}</option>
                  ))}
                </optgroup>
              </select>
              <p className="mt-1 flex flex-wrap gap-x-3 text-small">
                {finetune !== null && (
                  <a href={`/${finetune}`} className="[overflow-wrap:anywhere]">
                    {finetune}
                  </a>
                )}
                {finetune?.startsWith("guidepost/") && (
                  <span className="text-quiet">a small practice model: 128 × 128, one or two simple things</span>
                )}
                {revision && (
                  <span className="text-quiet">
                    at <code>{revision.slice(0, 12)}</code> ·{" "}
                    <a href={studioAddress({ finetune, guide }, shown)}>use the newest</a>
                  </span>
                )}
              </p>
            </div>
            <GuideField guides={guides} guide={guide} onChange={(next) => go({ finetune, revision, guide: next })} />
          </div>
          <noscript>
            <button
              type="submit"
              formMethod="get"
              formAction="/preview"
              formNoValidate
              className="min-h-9 cursor-pointer rounded border border-edge bg-raised px-3"
            >
              Show the guides and suggestions of this model
            </button>
          </noscript>
          {revision && <input type="hidden" name="revision" value={revision} />}
          {guideRevision && <input type="hidden" name="guideRevision" value={guideRevision} />}
          <PromptField
            value={shown.prompt}
            onChange={change("prompt")}
            prompting={prompting}
            addressOf={(prompt) => studioAddress({ finetune, revision, guide, guideRevision }, { ...shown, prompt })}
            problem={problems["prompt"]}
            takesNetworks={shown.promptSyntax === "a1111"}
          />
          {model?.accelerator && (
            <Suggestion
              of={model.accelerator}
              addressOf={(wanted) => studioAddress({ finetune, revision, guide }, { ...shown, ...wanted })}
              onTake={(wanted) => set((now) => ({ ...now, ...wanted }))}
            />
          )}
          {best !== null && <AtItsBest best={best} shown={shown} />}
          <div className="grid gap-x-8 gap-y-5 sm:grid-cols-3">
            <SeedField value={shown.seed} problem={seedFault} onChange={change("seed")} />
            <Dial
              name="steps"
              label="Steps"
              hint="of the sampler, 1 to 100"
              value={shown.steps}
              min={1}
              max={MOST_STEPS}
              onChange={change("steps")}
            />
            <Dial
              name="guidance"
              label="Guidance"
              hint={range ? `${range.min} to ${range.max} with this guide; 1 is none` : "1 is none"}
              value={shown.guidance}
              min={1}
              max={MOST_GUIDANCE}
              step={0.5}
              problem={problemOfGuidance}
              onChange={change("guidance")}
            />
          </div>
          <div className="grid gap-x-8 gap-y-5 sm:grid-cols-3">
            <SizeField
              native={model?.native ?? null}
              value={shown.size}
              problem={sizeFault}
              onChange={change("size")}
            />
            <ChoiceField
              name="sampler"
              label="Sampler"
              choices={samplerLabels}
              value={sampler}
              hint="the rule that moves a step"
              onChange={change("sampler")}
            />
            {isLora && (
              <Dial
                name="loraStrength"
                label="LoRA strength"
                hint="1 is as it was trained"
                value={shown.loraStrength}
                min={-MOST_STRENGTH}
                max={MOST_STRENGTH}
                step={0.05}
                onChange={change("loraStrength")}
              />
            )}
          </div>
          <MoreSettings shown={shown} hasGuide={guide !== null} problemOfCfg={problemOfCfg} change={change} />
        </div>
        <div className="min-w-0">
          <section aria-label="What it costs" className="rounded border border-line bg-raised p-4">
            <table className="w-full text-left">
              <caption className="sr-only">How often the model runs for each picture</caption>
              <tbody>
                {drawn.map((mode) => (
                  <tr key={mode} className="border-b border-line">
                    <th scope="row" className="py-1.5 font-normal">
                      <ModeName mode={mode} />
                    </th>
                    <td className="py-1.5 text-right text-quiet">
                      {mode === "guide" && cfgSteps > 0 ? `${cfgSteps} of CFG first` : ""}
                    </td>
                    <td className="py-1.5 pl-3 text-right whitespace-nowrap">
                      {isValid
                        ? `${passesOfMode(mode, { sampler, steps, guidanceScale: guidance, cfgSteps })} passes`
                        : "–"}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
            {isSignedIn ? (
              <Button
                type="submit"
                look="primary"
                className="mt-4 min-h-11! w-full text-title"
                disabled={isBusy || finetune === null || whyNot !== null}
              >
                {isBusy ? "Asking…" : "Run preview"}
              </Button>
            ) : (
              <ButtonLink
                href={`/sign-in?next=${encodeURIComponent(address)}`}
                look="primary"
                className="mt-4 min-h-11! w-full text-title"
              >
                Sign in to run previews
              </ButtonLink>
            )}
            <p className="mt-2 min-h-[2.9em] text-small" data-forecast>
              {forecast ? (
                <>
                  {sentence(sayWait(forecast))}
                  <span className="text-quiet"> {forecast.seconds !== null && forecast.why}</span>
                </>
              ) : (
                <span className="text-quiet">How long it takes is said once a model is chosen.</span>
              )}
            </p>
          </section>
          {children}
        </div>
      </form>
    </div>
  );
}

const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
