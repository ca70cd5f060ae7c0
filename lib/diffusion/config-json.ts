import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { shortJson } from "#lib/util/short-json.ts";

/**
 * The parts of diffusers' and transformers' `config.json` that decide what a network computes are parsed once, by the `*-config.ts`
 * beside this file, into our names. A setting that would change the result and that we do not run is refused by its name, never
 * ignored; one that the network's blocks do not read is free.
 */
export const size = z.int().min(1).max(65_536);
export const levels = z.array(size).min(1).max(8);

/**
 * @param advice  what to do instead, for a config that is not one of Stable Diffusion's
 * @throws unsupported_model, naming the first field that is not as the schema has it
 */
export function parseConfig<T>(schema: z.ZodType<T>, json: unknown, file: string, advice = works): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues as [z.core.$ZodIssue];
  const at = issue.path.length ? `"${issue.path.join(".")}"` : "the whole";
  const sentence = `${file}: ${at} is not what we can run (${issue.message}); ${advice}.`;
  throw new AppError("unsupported_model", sentence, { issues: result.error.issues.slice(0, 5) });
}

/** What a setting must be for us to run it, with the value that stands for “not used” first. */
export type MustBe = Readonly<Record<string, readonly unknown[]>>;

export function requireSettings(raw: Record<string, unknown>, mustBe: MustBe, file: string): void {
  for (const [name, allowed] of Object.entries(mustBe)) {
    const value = raw[name];
    if (value === undefined || allowed.includes(value)) continue;
    const sentence = `${file}: "${name}" is ${shortJson(value, 80)}, which we do not run; ${works}.`;
    throw new AppError("unsupported_model", sentence, { name });
  }
}

export function requireDivides(channels: number, divisor: number, name: string, file: string): void {
  if (channels % divisor === 0) return;
  const sentence = `${file}: "${name}" ${divisor} does not divide ${channels} channels; ${useOwnConfig}.`;
  throw new AppError("unsupported_model", sentence);
}

export const useOwnConfig = "use the config that came with the weights";
const works = "models made of Stable Diffusion 1.x, 2.x or XL's blocks work";
