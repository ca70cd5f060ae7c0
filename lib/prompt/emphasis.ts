import { characterAt, characterBefore, isBlank, isWord, skipBlanks } from "./characters.ts";

/** A run of a prompt that weighs alike. */
export interface Piece {
  readonly text: string;
  /** 1 = as it stands. */
  readonly weight: number;
  /** No words: what follows begins a new chunk. */
  readonly isBreak: boolean;
}

/**
 * Reads emphasis as AUTOMATIC1111's web UI 1.10.1 does (modules/prompt_parser.py, `parse_prompt_attention`), its
 * oddities included:
 *
 *   (a) weighs 1.1 · ((a)) 1.1² · [a] 1 ÷ 1.1 · (a:1.3) 1.3 · \( \) \[ \] \\ are themselves · BREAK begins a new chunk
 *
 * A bracket that is never closed reaches to the end, and one that was never opened is text. BREAK within weighed
 * brackets loses its meaning and is a word of negative weight. What their reader ends in an error on, such as
 * (a:1.2.3), is text here.
 *
 * Each closing bracket passes over the pieces behind its opening one, as theirs: 10,000 characters take some 10 ms at
 * worst.
 */
export function parseEmphasis(prompt: string): Piece[] {
  const texts: string[] = [];
  const weights: number[] = [];
  const open: Readonly<Record<"round" | "square", number[]>> = { round: [], square: [] };
  const add = (text: string, weight = 1): void => void (texts.push(text), weights.push(weight));
  const multiply = (begin: number, factor: number): void => {
    for (let i = begin; i < weights.length; i++) weights[i] = weights[i]! * factor;
  };

  for (let at = 0; at < prompt.length;) {
    const sign = prompt[at]!;
    const stated = sign === ":" && open.round.length > 0 ? weightAt(prompt, at) : null;
    if (sign === "\\") {
      const isEscape = "()[]\\".includes(prompt[at + 1] ?? " ");
      add(isEscape ? prompt[at + 1]! : "");
      at += isEscape ? 2 : 1;
    } else if (stated) {
      multiply(open.round.pop()!, stated.weight);
      at = stated.end;
    } else {
      const end = signs.has(sign) ? at + 1 : endOfWords(prompt, at);
      if (sign === "(") open.round.push(texts.length);
      else if (sign === "[") open.square.push(texts.length);
      else if (sign === ")" && open.round.length > 0) multiply(open.round.pop()!, ROUND);
      else if (sign === "]" && open.square.length > 0) multiply(open.square.pop()!, SQUARE);
      else
        for (const [i, part] of splitAtBreaks(prompt, at, end).entries()) {
          if (i > 0) add("BREAK", -1);
          add(part);
        }
      at = end;
    }
  }
  for (const begin of open.round) multiply(begin, ROUND);
  for (const begin of open.square) multiply(begin, SQUARE);
  return joinEqual(texts, weights);
}

/** Whether a bracket of the prompt states its weight, as in “(a:1.3)”. */
export function statesWeight(prompt: string): boolean {
  let open = 0;
  for (let at = 0; at < prompt.length; at++) {
    const sign = prompt[at];
    if (sign === "\\") at++;
    else if (sign === "(") open++;
    else if (sign === ")") open = Math.max(0, open - 1);
    else if (sign === ":" && open > 0 && weightAt(prompt, at)) return true;
  }
  return false;
}

const ROUND = 1.1;
const SQUARE = 1 / 1.1;
const signs = new Set("()[]:\\");

/** The weight that “:1.3)” states at a colon, and where it ends; null where no number stands there. */
function weightAt(text: string, colon: number): { weight: number; end: number } | null {
  const begin = skipBlanks(text, colon + 1);
  let end = begin + (text[begin] === "+" || text[begin] === "-" ? 1 : 0);
  const digits = end;
  while (isDigitOrDot(text[end])) end++;
  const close = skipBlanks(text, end);
  const weight = Number(text.slice(begin, end));
  return end > digits && text[close] === ")" && Number.isFinite(weight) ? { weight, end: close + 1 } : null;
}

const isDigitOrDot = (character: string | undefined): boolean =>
  character === "." || (character !== undefined && character >= "0" && character <= "9");

function endOfWords(text: string, begin: number): number {
  let end = begin;
  while (end < text.length && !signs.has(text[end]!)) end++;
  return end;
}

/** The parts of text[begin … end) between the words BREAK, each without the blanks around that word. */
function splitAtBreaks(text: string, begin: number, end: number): string[] {
  const run = text.slice(begin, end);
  const parts: string[] = [];
  let partBegin = 0;
  for (let found = run.indexOf("BREAK"); found !== -1; found = run.indexOf("BREAK", found + 5)) {
    if (isWord(characterBefore(run, found)) || isWord(characterAt(run, found + 5))) continue;
    let partEnd = found;
    while (partEnd > partBegin && isBlank(run[partEnd - 1])) partEnd--;
    parts.push(run.slice(partBegin, partEnd));
    partBegin = skipBlanks(run, found + 5);
  }
  return [...parts, run.slice(partBegin)];
}

/** Neighbours of equal weight are one piece; no text at all is one of weight 1. */
function joinEqual(texts: readonly string[], weights: readonly number[]): Piece[] {
  const pieces: Piece[] = [];
  for (let begin = 0, end = 1; begin < texts.length; begin = end++) {
    while (end < texts.length && weights[end] === weights[begin]) end++;
    const [text, weight] = [texts.slice(begin, end).join(""), weights[begin]!];
    pieces.push({ text, weight, isBreak: text === "BREAK" && weight === -1 });
  }
  return pieces.length > 0 ? pieces : [{ text: "", weight: 1, isBreak: false }];
}
