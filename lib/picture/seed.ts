import { z } from "zod";

/** What torch takes for a seed: −2⁶³ … 2⁶⁴ − 1. */
const LEAST = -(2n ** 63n);
const MOST = 2n ** 64n - 1n;

/** A whole number in decimal digits that torch takes for a seed, exactly; null for any other text. */
export function parseSeed(text: string): bigint | null {
  if (!/^-?\d{1,20}$/.test(text)) return null;
  const seed = BigInt(text);
  return seed >= LEAST && seed <= MOST ? seed : null;
}

/**
 * A seed in JSON: a number where JSON keeps it exactly in every reader, up to 2⁵³ − 1, else its decimal digits as a
 * text.
 */
export const seedJson = z
  .union([z.int(), z.string().max(20)])
  .refine((value) => parseSeed(String(value)) !== null, "must be a whole number from 0 to 18446744073709551615");

export const toSeedJson = (seed: bigint): number | string =>
  Number.isSafeInteger(Number(seed)) ? Number(seed) : String(seed);
