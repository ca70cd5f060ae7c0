import { CURVE_VERSION } from "#lib/catalog/pairs/curve-schema.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import { studyHandler } from "./study.ts";

/** Measures what else could be done with a guide's passes, on what its pair was measured on. */
export const curveHandler = studyHandler("curve", async (job, run) => {
  const { curve, ...found } = await run({ ...job, type: "curve", pictures: firstLook.prompts });
  return { ...found, result: { version: CURVE_VERSION, ...curve } };
});
