import { createHash, createHmac } from "node:crypto";

/** What is drawn for pairs of one period: made of its secret alone, so that nothing of what is judged has a say in it. */
export interface DrawnFrom {
  /** Decides the prompts, and their order. */
  readonly key: string;
  /** Of the noise. */
  readonly agreementSeed: number;
  readonly pictureSeed: number;
}

/** Published before the period begins; the secret, once it is told, has to give it. */
export const commitmentTo = (secret: string): string =>
  createHash("sha256").update(Buffer.from(secret, "hex")).digest("hex");

export function drawnFrom(secret: string): DrawnFrom {
  const made = (what: string): Buffer => createHmac("sha256", Buffer.from(secret, "hex")).update(what).digest();
  return {
    key: made("prompts").toString("hex"),
    agreementSeed: made("noise of single steps").readUInt32BE(),
    pictureSeed: made("noise of pictures").readUInt32BE(),
  };
}

/** In the place of the text of a prompt that is not told yet. */
export const heldBackPrompt = (index: number): string => `#${index + 1}`;
