import { characterAt, characterBefore, isWord } from "./characters.ts";
import { parseEmphasis, type Piece, statesWeight } from "./emphasis.ts";
import { asksForNetworks, type ExtraNetwork, takeExtraNetworks } from "./extra-networks.ts";
import { requireShort } from "./prompt-limit.ts";

/**
 * How a prompt is read. `plain`: every character is text, cut at the length of the text encoder, as diffusers does it.
 * `a1111`: in the field's syntax, by the rule of AUTOMATIC1111's web UI 1.10.1: emphasis, BREAK, chunks beyond the
 * length, `<lora:…>`.
 */
export const promptSyntaxes = ["plain", "a1111"] as const;
export type PromptSyntax = (typeof promptSyntaxes)[number];

/** Networks are asked for in the prompt only; in a negative prompt “<lora:…>” is text, there as here. */
export type PromptSide = "prompt" | "negative prompt";

export interface ReadPrompt {
  readonly pieces: readonly Piece[];
  readonly networks: readonly ExtraNetwork[];
  /** What the person should know: syntax that is not followed, in words. */
  readonly notes: readonly string[];
}

/** What a prompt says, before it becomes tokens. @throws bad_request above 10,000 characters */
export function readPrompt(prompt: string, syntax: PromptSyntax, side: PromptSide = "prompt"): ReadPrompt {
  requireShort(prompt);
  if (syntax === "plain") {
    const notes = plainNotes(prompt, side);
    return { pieces: [{ text: prompt, weight: 1, isBreak: false }], networks: [], notes };
  }
  const { text, networks, notes } =
    side === "prompt" ? takeExtraNetworks(prompt) : { text: prompt, networks: [], notes: [] };
  const pieces = parseEmphasis(text);
  return { pieces, networks, notes: [...notes, ...a1111Notes(text, pieces, side)] };
}

function plainNotes(prompt: string, side: PromptSide): string[] {
  const found = [
    ...(statesWeight(prompt) ? ["“(…:1.2)”"] : []),
    ...(prompt.includes("((") || prompt.includes("[[") ? ["“((…))”"] : []),
    ...(hasWord(prompt, "BREAK") ? ["“BREAK”"] : []),
    ...(side === "prompt" && asksForNetworks(prompt) ? ["“<lora:…>”"] : []),
  ];
  if (found.length === 0) return [];
  const [what, are] = [found.join(", "), found.length === 1 ? "is" : "are"];
  return [`${what} in the ${side} ${are} taken literally; use --prompt-syntax a1111 to have the field's syntax read.`];
}

function a1111Notes(text: string, pieces: readonly Piece[], side: PromptSide): string[] {
  const notes: string[] = [];
  if (hasSchedule(text))
    notes.push("“[from:to:when]” and “[a|b]” do not change over the steps here; their words are read as “[…]”.");
  if (hasWord(text, "AND")) notes.push("“AND” does not combine prompts here; it is a word.");
  if (text.includes("#")) notes.push("“#” begins a comment in AUTOMATIC1111's web UI; here it is text.");
  if (pieces.some(({ isBreak, weight }) => !isBreak && weight < 0) && hasWord(text, "BREAK"))
    notes.push("“BREAK” within weighed brackets is a word, as in AUTOMATIC1111's web UI; put it outside of them.");
  if (side === "negative prompt" && asksForNetworks(text))
    notes.push("“<lora:…>” in the negative prompt is text; ask for the network in the prompt.");
  return notes;
}

/** Whether a square bracket holds alternatives, or ends in “:number”. */
function hasSchedule(text: string): boolean {
  let depth = 0;
  let hasBar = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "[") depth++;
    else if (text[at] === "|") hasBar ||= depth > 0;
    else if (text[at] === "]" && depth > 0) {
      if (hasBar || endsInWhen(text, at)) return true;
      depth--;
    }
  }
  return false;
}

function endsInWhen(text: string, close: number): boolean {
  const [, when = ""] = /:([^:]*)$/.exec(text.slice(Math.max(0, close - 24), close)) ?? [];
  return when.trim() !== "" && Number.isFinite(Number(when));
}

function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length))
    if (!isWord(characterBefore(text, at)) && !isWord(characterAt(text, at + word.length))) return true;
  return false;
}
