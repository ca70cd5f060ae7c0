import { z } from "zod";
import type { VerdictName } from "#lib/pairing/verdict.ts";

export const verdict = z.enum(["verified", "usableWithLimits", "inconclusive", "incompatible", "notMeasured"]);
export type Verdict = z.output<typeof verdict>;

const namesInDatabase = {
  verified: "verified",
  usableWithLimits: "usable_with_limits",
  inconclusive: "inconclusive",
  incompatible: "incompatible",
  notMeasured: "not_measured",
} as const satisfies Record<Verdict, string>;

/** How the database's own type spells it: for statements that Prisma does not write. */
export const verdictInDatabase = (name: Verdict): string => namesInDatabase[name];
export const verdictOf = (inDatabase: string): Verdict =>
  verdict.options.find((name) => namesInDatabase[name] === inDatabase)!;

const words = {
  verified: "verified",
  usableWithLimits: "usable with limits",
  inconclusive: "inconclusive",
  incompatible: "incompatible",
  notMeasured: "not measured",
} as const satisfies Record<Verdict, VerdictName>;

/** As measurement says it, and back. */
export const verdictInWords = (name: Verdict): VerdictName => words[name];
export const verdictFromWords = (word: VerdictName): Verdict => verdict.options.find((name) => words[name] === word)!;
