import { type ExtraNetwork, takeExtraNetworks } from "#lib/prompt/extra-networks.ts";
import { FieldReader } from "./field-reader.ts";
import type { ForeignLora, ForeignRecipe, NamedHash } from "./foreign-recipe.ts";
import { infotextFields } from "./infotext-fields.ts";
import { hashLists, nameKey } from "./infotext-hashes.ts";
import { noiseNotes, settingNotes, unknownNotes } from "./infotext-notes.ts";
import { matchA1111Sampler } from "./samplers.ts";

/**
 * Reads “generation parameters” as AUTOMATIC1111's web UI, the tools after it and `toInfotext` write them: the prompt,
 * the negative prompt, and a line of names and values that begins with the steps. Null where there is no such line: it
 * is some other text.
 */
export function parseInfotext(text: string): ForeignRecipe | null {
  const lines = text.trim().split("\n");
  const at = settingsLine(lines);
  const read = new FieldReader(infotextFields(lines[at]!));
  if (!read.has("steps")) return null;
  const { written, negativePrompt } = promptsOf(lines.slice(0, at));
  const { text: prompt, networks, notes: networkNotes } = takeExtraNetworks(written);
  const version = read.text("version");
  const isOurs = version?.startsWith("guidepost ") ?? false;
  const lists = hashLists(read);
  const [samplerName, schedule] = [read.text("sampler"), read.text("schedule type")];
  const [width, height] = read.size("size");
  const recipe = {
    tool: isOurs ? "Guidepost" : "AUTOMATIC1111",
    prompt: prompt.trim(),
    negativePrompt,
    promptSyntax: isOurs && read.text("prompt syntax") !== "a1111" ? "plain" : "a1111",
    seed: read.seed("seed"),
    isCpuNoise: read.text("rng") === "CPU",
    steps: read.count("steps"),
    guidanceScale: read.number("cfg scale"),
    sampler: samplerName === null ? null : matchA1111Sampler(samplerName, schedule),
    width,
    height,
    clipSkip: read.count("clip skip"),
    denoisingStrength: read.number("denoising strength"),
    batch: batchOf(read, isOurs),
    model: named(read.text("model"), read.hash("model hash") ?? lists.model),
    vae: named(read.text("vae"), read.hash("vae hash") ?? lists.vae),
    loras: lorasOf(networks, lists.loras),
    embeddings: lists.embeddings,
    guide: named(read.text("guide"), read.hash("guide hash")),
    mode: read.text("guidance mode"),
    guideStrength: read.number("guide strength"),
    cfgSteps: read.count("cfg steps"),
    version,
  } as const;
  const hasMore = lines.slice(at + 1).some((line) => line.trim() !== "");
  const notes = [
    ...networkNotes,
    ...networks.flatMap(({ kind, name }) =>
      kind === "hypernet" ? [`The hypernetwork “${name}” is not used here.`] : [],
    ),
    ...(recipe.sampler?.note ? [recipe.sampler.note] : []),
    ...noiseNotes(recipe, read),
    ...settingNotes(recipe, read),
    ...read.unreadable,
    ...(hasMore ? ["What stands behind its line of settings was not read."] : []),
    ...unknownNotes(read),
  ];
  return { ...recipe, notes };
}

/** The last line that begins with the steps, else the last of all. */
function settingsLine(lines: readonly string[]): number {
  const found = lines.findLastIndex((line) => line.slice(0, 16).trimStart().startsWith("Steps:"));
  return found === -1 ? lines.length - 1 : found;
}

function promptsOf(lines: readonly string[]): { written: string; negativePrompt: string | null } {
  const begin = lines.findIndex((line) => line.trimStart().startsWith("Negative prompt:"));
  const negative = begin === -1 ? "" : lines.slice(begin).join("\n").trimStart().slice("Negative prompt:".length);
  const written = lines.slice(0, begin === -1 ? lines.length : begin).join("\n");
  return { written: written.trim(), negativePrompt: negative.trim() || null };
}

const named = (name: string | null, hash: string | null): NamedHash | null =>
  name === null && hash === null ? null : { name, hash };

/** Those that the prompt asks for with their hashes, then those of which only a hash is listed. */
function lorasOf(networks: readonly ExtraNetwork[], listed: readonly NamedHash[]): ForeignLora[] {
  const hashes = new Map(listed.map(({ name, hash }) => [nameKey(name ?? ""), hash]));
  const asked = networks.filter(({ kind }) => kind === "lora");
  const names = new Set(asked.map(({ name }) => nameKey(name)));
  const others = listed.filter(({ name }) => !names.has(nameKey(name ?? "")));
  return [
    ...asked.map(({ name, textEncoderStrength, unetStrength }) => {
      const hash = hashes.get(nameKey(name)) ?? null;
      return { name, hash, textEncoderStrength, unetStrength };
    }),
    ...others.map((one) => ({ ...one, textEncoderStrength: null, unetStrength: null })),
  ];
}

function batchOf(read: FieldReader, isOurs: boolean): ForeignRecipe["batch"] {
  const [size, position] = [read.count("batch size"), read.count("batch pos")];
  const isOneStream = read.text("batch noise") !== "a seed each" && isOurs;
  return size === null || size < 2 ? null : { size, position, isOneStream };
}
