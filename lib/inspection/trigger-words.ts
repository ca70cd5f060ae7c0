import { z } from "zod";
import { jsonString } from "#lib/util/json-string.ts";

/** Words that bring out what an adapter was trained on. */
export interface Trigger {
  readonly words: string;
  /** What says so, such as 'metadata "modelspec.trigger_phrase"'. */
  readonly from: string;
  /** Whether somebody wrote them down as such; else they were counted among the captions. */
  readonly declared: boolean;
}

const MAX_TRIGGERS = 12;
const MAX_WORDS = 200;
/** Of the words that stand in every caption of a data set, so many are shown. */
const MAX_COUNTED = 5;

/**
 * What the metadata of ModelSpec (https://github.com/Stability-AI/ModelSpec) and of kohya's scripts say of trigger
 * words.
 */
export function triggersOfMetadata(metadata: ReadonlyMap<string, string>): Trigger[] {
  const phrase = metadata.get("modelspec.trigger_phrase");
  const folders = dataFolders.safeParse(metadata.get("ss_dataset_dirs")).data ?? {};
  const frequencies = tagFrequencies.safeParse(metadata.get("ss_tag_frequency")).data ?? {};
  return unique([
    ...declared(phrase === undefined ? [] : [phrase], 'metadata "modelspec.trigger_phrase"'),
    ...Object.keys(folders).map((folder) => counted(wordsOfFolder(folder), 'metadata "ss_dataset_dirs"')),
    ...Object.entries(frequencies).flatMap(([folder, tags]) =>
      everyCaption(tags, folders[folder]?.img_count).map((tag) => counted(tag, 'metadata "ss_tag_frequency"')),
    ),
  ]);
}

/** What a file of Civitai's helpers or of A1111 beside the weights says; nothing for JSON of another kind. */
export function triggersOfSidecar(json: unknown, from: string): Trigger[] {
  const { data } = sidecar.safeParse(json);
  if (!data) return [];
  return unique(declared([...(data.trainedWords ?? []), data["activation text"] ?? ""], from));
}

/** The first of each, as a prompt may be: one line without what controls a terminal. */
export function unique(triggers: readonly Trigger[]): Trigger[] {
  const seen = new Map<string, Trigger>();
  for (const trigger of triggers) {
    const words = trigger.words.replaceAll(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
    if (words !== "" && words !== "-" && words.length <= MAX_WORDS && !seen.has(words.toLowerCase()))
      seen.set(words.toLowerCase(), { ...trigger, words });
  }
  return [...seen.values()].slice(0, MAX_TRIGGERS);
}

const declared = (words: readonly string[], from: string): Trigger[] =>
  words.map((one) => ({ words: one, from, declared: true }));
const counted = (words: string, from: string): Trigger => ({ words, from, declared: false });

/** kohya's scripts name a folder of pictures by how often each is repeated, and what they show: "10_ohwx man". */
const wordsOfFolder = (folder: string): string => /^\d+_(.+)$/.exec(folder)?.[1] ?? "";

/** Without the number of pictures, the most frequent words stand for those of every caption. */
function everyCaption(tags: Readonly<Record<string, number>>, pictures: number | undefined): string[] {
  const most = Object.values(tags).reduce((a, b) => Math.max(a, b), 0);
  const wanted = Math.min(pictures ?? most, most);
  if (wanted < 2 || (pictures !== undefined && most < pictures)) return [];
  return Object.entries(tags)
    .filter(([, count]) => count >= wanted)
    .map(([tag]) => tag)
    .slice(0, MAX_COUNTED);
}

const tagFrequencies = jsonString(z.record(z.string(), z.record(z.string(), z.number())));
const dataFolders = jsonString(z.record(z.string(), z.looseObject({ img_count: z.number().optional() })));
const sidecar = z.looseObject({
  trainedWords: z.array(z.string()).max(1000).nullish(),
  "activation text": z.string().nullish(),
});
