import { ENVELOPE_VERSION } from "#lib/catalog/pairs/envelope-schema.ts";
import { envelopePrompts } from "#lib/pairing/plan.ts";
import { studyHandler } from "./study.ts";

/** Finds where a guide is at its best, on what its pair was measured on. */
export const envelopeHandler = studyHandler("envelope", async (job, run) => {
  const { envelope, ...found } = await run({ ...job, type: "envelope", ...envelopePrompts });
  return { ...found, result: { version: ENVELOPE_VERSION, ...envelope } };
});
