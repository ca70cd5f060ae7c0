import { ENVELOPE_VERSION } from "#lib/catalog/pairs/envelope-schema.ts";
import { envelopePrompts } from "#lib/pairing/plan.ts";
import type { JobHandler } from "#workers/hub/handler.ts";
import { studyHandler } from "./study.ts";

/** Finds where a guide is at its best, on what its pair was measured on. @param prompts how many there are, and are chosen on */
export const envelopeOf = (prompts: { readonly choosing: number; readonly pictures: number }): JobHandler =>
  studyHandler("envelope", async (job, run) => {
    const { envelope, ...found } = await run({ ...job, type: "envelope", ...prompts });
    return { ...found, result: { version: ENVELOPE_VERSION, ...envelope } };
  });

export const envelopeHandler = envelopeOf(envelopePrompts);
