import { kindsThat } from "#lib/catalog/kinds.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { getInspection } from "#lib/catalog/inspections/service.ts";
import { whyNotRunning } from "#lib/catalog/inspections/why-not.ts";
import { nativeSizeOf } from "#lib/catalog/models/service.ts";
import { listGuides } from "#lib/catalog/pairs/partners.ts";
import type { Partner } from "#lib/catalog/pairs/schema.ts";
import { bestSettingOf } from "#lib/catalog/pairs/study-service.ts";
import { reasonsOf } from "#lib/catalog/pairs/views.ts";
import { forecastPreview } from "#lib/catalog/previews/forecast.ts";
import { sizeProblem } from "#lib/catalog/previews/limits.ts";
import { forecastQuery, previewQuery } from "#lib/catalog/previews/schema.ts";
import { listPreviews } from "#lib/catalog/previews/views.ts";
import { getPrompting } from "#lib/catalog/prompting/service.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { type RepoItem, repoQuery } from "#lib/catalog/repos/schema.ts";
import { listRepos } from "#lib/catalog/repos/service.ts";
import { getSheet, showcase } from "#lib/catalog/sheets/service.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { samplerNames } from "#lib/sampler-names.ts";
import type { ComparedPicture } from "../_islands/compare.tsx";
import { ifThere } from "../_page/shown.ts";
import { standingOf, wordOf } from "../_ui/verdict.tsx";
import { modes } from "../_ui/mode.tsx";
import { parseSizeText, toSizeText, usual } from "./address.ts";
import { onThisHub } from "./on-this-hub.ts";
import type { StudioQuery } from "./query.ts";
import type { Example, GuideChoice, ModelFacts, StudioProps } from "./studio-props.ts";

const REFERENCE_GUIDANCE = 5;
const SHOWN_EXAMPLES = 4;

/** All that the studio shows for an address: what can be chosen, what is chosen where the address does not say, and how long it would take. */
export async function loadStudio(
  actor: Actor,
  asked: StudioQuery,
): Promise<Omit<StudioProps, "problems" | "isSignedIn"> & { readonly examples: readonly Example[] }> {
  const [finetunes, bases, allGuides] = await Promise.all([
    namesOf(actor, "finetune"),
    namesOf(actor, "base"),
    guidesOfHub(actor),
  ]);
  const wanted = asked.finetune ?? (await showcase(actor))?.pair.finetune.repo ?? finetunes[0] ?? bases[0] ?? null;
  const prompting = wanted === null ? null : await ifThere(getPrompting(actor, toRepoName(wanted)));
  const finetune = prompting === null ? null : wanted;
  const guides = finetune === null ? [] : await guidesOf(actor, finetune, allGuides);
  const guide =
    asked.guide === "none" ? null : (asked.guide ?? guides.find(({ reason }) => reason === null)?.repo ?? null);
  const range = guide === null ? null : await rangeOf(actor, guide);
  const choice = guides.find(({ repo }) => repo === guide);
  const pair = choice?.pair ?? null;
  // Of what was measured of other weights, or of a chosen revision, nothing says where it is at its best.
  const isCurrent = choice?.stale === null && asked.revision === undefined && asked.guideRevision === undefined;
  const best = pair !== null && isCurrent ? await ifThere(bestSettingOf(actor, pair)) : null;
  const guidance = asked.guidance ?? best?.guidanceScale ?? range?.reference ?? REFERENCE_GUIDANCE;
  const settings = {
    prompt: asked.prompt ?? prompting?.suggestions[0] ?? "",
    negativePrompt: asked.negativePrompt ?? "",
    promptSyntax: asked.promptSyntax ?? usual.promptSyntax,
    seed: asked.seed ?? "1",
    size: sizeOf(asked),
    steps: String(asked.steps ?? 20),
    guidance: String(guidance),
    guidanceRescale: String(asked.guidanceRescale ?? usual.guidanceRescale),
    cfgSteps: String(asked.cfgSteps ?? best?.cfgSteps ?? 0),
    guideStrength: String(asked.guideStrength ?? best?.guideStrength ?? 1),
    sampler: asked.sampler ?? samplerNames[0],
    clipSkip: String(asked.clipSkip ?? usual.clipSkip),
    loraStrength: String(asked.loraStrength ?? usual.loraStrength),
  };
  const query = forecastQuery.parse({
    finetune: finetune ?? "a/b",
    ...(guide !== null && { guide }),
    revision: asked.revision,
    steps: settings.steps,
    guidanceScale: guidance,
    cfgSteps: settings.cfgSteps,
    sampler: settings.sampler,
    ...forecastSize(settings.size),
  });
  return {
    models: { finetunes: withChosen(finetunes, finetune, bases), bases },
    finetune,
    refused: finetune === null ? wanted : null,
    revision: asked.revision ?? null,
    guides,
    guide,
    guideRevision: asked.guideRevision ?? null,
    range,
    prompting: prompting ?? { suggestions: [], words: null, triggers: [] },
    model: finetune === null ? null : await modelFacts(actor, finetune, asked.revision ?? "HEAD"),
    settings,
    best: best && pair !== null ? { ...best, pair } : null,
    isPromptChosen: asked.prompt !== undefined,
    forecast: finetune === null ? null : await ifThere(forecastPreview(actor, query)),
    examples: finetune === null ? [] : await examplesOf(actor, finetune, guide, pair),
  };
}

/** “custom” is what the form says before scripts come, with the sides beside it. */
const sizeOf = ({ size = "", width, height }: StudioQuery): string =>
  size === "custom" ? toSizeText({ width: width ?? null, height: height ?? null }) : size;

/** What a preview could not be asked for has no forecast of its own. */
function forecastSize(text: string): { width?: number; height?: number } {
  const size = parseSizeText(text);
  return size && sizeProblem(size) === null ? size : {};
}

async function modelFacts(actor: Actor, model: string, revision: string): Promise<ModelFacts | null> {
  const inspection = await ifThere(getInspection(actor, toRepoName(model), revision));
  if (!inspection) return null;
  const { facts, problem, commit } = inspection;
  const unread = isUnfinished(inspection) ? "A worker reads it still; try again in a moment." : problem;
  return {
    whyNot: facts ? whyNotRunning(facts) : unread,
    isLora: facts?.kind === "low-rank fine-tune",
    native: await nativeSizeOf(commit),
    accelerator: facts?.lowRank?.accelerator ?? null,
  };
}

const MAX_CHOICES = 100;

async function namesOf(actor: Actor, kind: RepoItem["kind"]): Promise<string[]> {
  const { items } = await listRepos(actor, repoQuery.parse({ kind, sort: "downloads", limit: MAX_CHOICES }));
  return items.filter(({ facts }) => facts?.runs).map(({ owner, name }) => `${owner}/${name}`);
}

/** A model that is not among the most downloaded ones can be chosen all the same: its own page leads here. */
const withChosen = (names: readonly string[], chosen: string | null, others: readonly string[]): string[] =>
  chosen === null || names.includes(chosen) || others.includes(chosen) ? [...names] : [chosen, ...names];

async function guidesOfHub(actor: Actor): Promise<{ repo: string; base: string | null }[]> {
  const lists = await Promise.all(
    kindsThat("guides").map((kind) =>
      listRepos(actor, repoQuery.parse({ kind, sort: "downloads", limit: MAX_CHOICES })),
    ),
  );
  return lists
    .flatMap(({ items }) => items)
    .filter(({ facts }) => facts?.runs)
    .map(({ owner, name, base }) => ({ repo: `${owner}/${name}`, base }));
}

/** Best evidence first; then those that do not work, with the reason. */
async function guidesOf(
  actor: Actor,
  finetune: string,
  all: readonly { repo: string; base: string | null }[],
): Promise<GuideChoice[]> {
  const partners = (await listGuides(actor, toRepoName(finetune), { limit: MAX_CHOICES })).items;
  const known = new Set(partners.map(({ repo }) => repo));
  const others = all
    .filter(({ repo }) => !known.has(repo))
    .map(({ repo, base }): GuideChoice => ({
      repo,
      pair: null,
      standing: "notMeasured",
      recovered: null,
      stale: null,
      reason: base === null ? "its shape does not fit this model" : `made for ${base}`,
    }));
  const failed = partners.flatMap((partner) =>
    standingOf(partner) === "incompatible" && partner.pair !== null ? partner.pair : [],
  );
  const reasons = failed.length === 0 ? new Map() : await reasonsOf(actor, failed);
  return [
    ...partners
      .map((partner) => toChoice(partner, reasons))
      .toSorted((a, b) => Number(a.reason !== null) - Number(b.reason !== null)),
    ...others,
  ];
}

/** `reasons` of those that were found not to work, by the pair. */
function toChoice(partner: Partner, reasons: ReadonlyMap<string, readonly string[]>): GuideChoice {
  const { repo, pair, recovered, stale } = partner;
  const standing = standingOf(partner);
  const reason = standing === "incompatible" ? ((pair && reasons.get(pair)?.[0]) ?? wordOf(standing)) : null;
  return { repo, pair, standing, recovered, stale, reason };
}

async function rangeOf(actor: Actor, guide: string): Promise<StudioProps["range"]> {
  const facts = (await ifThere(getInspection(actor, toRepoName(guide), "HEAD")))?.facts?.guide;
  return facts ? { min: facts.minGuidance, max: facts.maxGuidance, reference: facts.referenceGuidance } : null;
}

/** What was drawn with the pair before: its sheet, else what somebody showed or drew themselves. */
async function examplesOf(
  actor: Actor,
  finetune: string,
  guide: string | null,
  pair: string | null,
): Promise<Example[]> {
  const rows = pair === null ? [] : ((await ifThere(getSheet(actor, pair)))?.rows ?? []);
  const sheet = rows
    .map(({ preview, prompt, seed, pictures }) => ({
      id: preview,
      prompt,
      seed,
      pictures: modes.flatMap((mode): ComparedPicture[] => (pictures[mode] ? [pictures[mode]] : [])),
    }))
    .filter(({ pictures }) => pictures.length === 3);
  if (sheet.length > 0) return sheet.slice(0, SHOWN_EXAMPLES);
  const { items } = (await ifThere(
    listPreviews(actor, previewQuery.parse({ finetune, ...(guide !== null && { guide }), limit: 20 })),
  )) ?? { items: [] };
  return items
    .filter(({ state }) => state === "succeeded")
    .slice(0, SHOWN_EXAMPLES)
    .map(({ id, prompt, seed, pictures }) => ({ id, prompt, seed, pictures: pictures.map(onThisHub) }));
}
