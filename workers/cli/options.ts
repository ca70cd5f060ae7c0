import { availableParallelism } from "node:os";
import { Option } from "commander";
import { AppError } from "#lib/errors.ts";
import type { EmbeddingChoice } from "#lib/diffusion/learned-words.ts";
import type { LowRankChoice } from "#lib/diffusion/model-files.ts";
import { providerChoices } from "#lib/onnx/providers.ts";
import { parseSeed } from "#lib/picture/seed.ts";

/** A number as people write it. The option is named, since commander's own message would not say what is wrong. */
export const number =
  (name: string) =>
  (text: string): number => {
    if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
    throw new AppError(
      "bad_request",
      `${name} is "${text.slice(0, 40)}", which is not a number; write one, such as 5.`,
      { name, text },
    );
  };

/** A whole number in a range, ends included. */
export const integer =
  (name: string, least: number, most: number) =>
  (text: string): number => {
    const value = number(name)(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new AppError(
      "bad_request",
      `${name} is ${text.slice(0, 40)}; it must be a whole number from ${least} to ${most}.`,
      { name, value },
    );
  };

/** A seed as torch takes them, without loss: 0 … 2⁶⁴ − 1. */
export function seed(text: string): bigint {
  const value = parseSeed(text.trim());
  if (value !== null && value >= 0n) return value;
  throw new AppError(
    "bad_request",
    `--seed is "${text.slice(0, 40)}"; it must be a whole number from 0 to 18446744073709551615.`,
    { text },
  );
}

/** FILE or FILE:strength, gathered over several uses. */
export function lowRank(text: string, before: readonly LowRankChoice[] = []): LowRankChoice[] {
  const [, path = text, strength = "1"] = /^(.+):([^:/\\]*)$/.exec(text) ?? [];
  const value = number("The strength of --lora")(strength);
  if (Math.abs(value) > 10)
    throw new AppError(
      "bad_request",
      `The strength ${strength} of --lora is outside −10 to 10; 1 is as it was trained.`,
      { path },
    );
  return [...before, { path, strength: value }];
}

/** FILE or FILE:word, gathered over several uses. */
export function embedding(text: string, before: readonly EmbeddingChoice[] = []): EmbeddingChoice[] {
  const [, path = text, word] = /^(.+):([^:/\\]*)$/.exec(text) ?? [];
  if (word === "")
    throw new AppError(
      "bad_request",
      `--embedding ${text.slice(0, 80)} ends in ":"; write the word behind it, or leave it out.`,
    );
  return [...before, { path, ...(word !== undefined && { word }) }];
}

export const threads = integer("--threads", 1, 1024);
export const defaultThreads = availableParallelism();

export const providerOption = (): Option =>
  new Option("--provider <name>", "what to run networks on (default: GUIDEPOST_PROVIDER, else auto)").choices(
    providerChoices,
  );
