import { characterBefore, isWord } from "./characters.ts";

/**
 * A network that a prompt asks for, such as `<lora:ink:0.6>`. Who knows the files resolves its name, or says that it
 * cannot.
 */
export interface ExtraNetwork {
  /** `lycoris` files are LoRAs to the reader: `lyco` is read as `lora`. */
  readonly kind: "lora" | "hypernet";
  /** As it is written, mostly a file's name without its ending. */
  readonly name: string;
  /** 1 = as it was trained. */
  readonly textEncoderStrength: number;
  readonly unetStrength: number;
  /** The whole of it as it stands in the prompt. */
  readonly written: string;
}

export interface WithoutNetworks {
  /** The prompt without what asked for networks. */
  readonly text: string;
  readonly networks: readonly ExtraNetwork[];
  /** What could not be read of them, in words. */
  readonly notes: readonly string[];
}

/**
 * Takes `<kind:name:…>` out of a prompt, as AUTOMATIC1111's web UI 1.10.1 does (modules/extra_networks.py and its Lora
 * extension):
 *
 *   <lora:name>  <lora:name:0.6>  <lora:name:te:unet>  <lora:name:te=0.5:unet=1>  <lyco:…>  <hypernet:name:0.6>
 *
 * One strength is both; a kind that nobody knows is taken out and named. No look back: 100 kB take a millisecond.
 */
export function takeExtraNetworks(prompt: string): WithoutNetworks {
  const networks: ExtraNetwork[] = [];
  const notes: string[] = [];
  let text = "";
  let copied = 0;
  for (const { begin, end, kind, items } of referencesIn(prompt)) {
    text += prompt.slice(copied, begin);
    copied = end;
    const written = prompt.slice(begin, end);
    const read = toNetwork(kind, items, written);
    if (typeof read === "string") notes.push(`“${shortened(written)}” was left out: ${read}.`);
    else {
      networks.push(read);
      if (items.length > 3 || items.some((item) => item.startsWith("dyn=")))
        notes.push(`“${shortened(written)}”: its reduced rank is not followed; the file is used as it is.`);
    }
  }
  return { text: text + prompt.slice(copied), networks, notes };
}

/** Whether something in the text asks for a network. */
export const asksForNetworks = (prompt: string): boolean =>
  referencesIn(prompt).some(({ kind }) => kinds.has(kind.toLowerCase()));

interface Reference {
  readonly begin: number;
  readonly end: number;
  readonly kind: string;
  readonly items: readonly string[];
}

/** “<word:anything but >>”, from the left. */
function referencesIn(prompt: string): Reference[] {
  const references: Reference[] = [];
  for (let begin = prompt.indexOf("<"); begin !== -1; begin = prompt.indexOf("<", begin + 1)) {
    const colon = endOfWord(prompt, begin + 1);
    if (colon === begin + 1 || prompt[colon] !== ":") continue;
    const close = prompt.indexOf(">", colon + 1);
    if (close === -1) break; // nor is there one behind any later “<”
    if (close === colon + 1) continue;
    const items = prompt.slice(colon + 1, close).split(":");
    references.push({ begin, end: close + 1, kind: prompt.slice(begin + 1, colon), items });
    begin = close;
  }
  return references;
}

function endOfWord(text: string, begin: number): number {
  let end = begin;
  while (end < text.length) {
    const isLowHalf = text.codePointAt(end)! > 0xffff ? 2 : 1;
    if (!isWord(characterBefore(text, end + isLowHalf))) break;
    end += isLowHalf;
  }
  return end;
}

const kinds: ReadonlyMap<string, ExtraNetwork["kind"]> = new Map([
  ["lora", "lora"],
  ["lyco", "lora"],
  ["hypernet", "hypernet"],
]);

/** The network, or why it is none. */
function toNetwork(kindName: string, items: readonly string[], written: string): ExtraNetwork | string {
  const kind = kinds.get(kindName);
  if (!kind) return `a network of the kind “${shortened(kindName)}” is not known`;
  const isNamed = (item: string): boolean => item.split("=").length === 2;
  const named = new Map(items.filter(isNamed).map((item) => item.split("=") as [string, string]));
  const [name, first = "1", second] = items.filter((item) => !isNamed(item));
  if (!name) return "it names no file";
  const textEncoderStrength = strengthOf(named.get("te") ?? first);
  const unetStrength = strengthOf(named.get("unet") ?? second ?? named.get("te") ?? first);
  if (textEncoderStrength === null || unetStrength === null) return "its strength is not a number";
  return { kind, name, textEncoderStrength, unetStrength, written };
}

function strengthOf(text: string): number | null {
  const strength = Number(text);
  return text.trim() !== "" && Number.isFinite(strength) ? strength : null;
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
