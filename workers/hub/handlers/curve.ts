import { CURVE_VERSION } from "#lib/catalog/pairs/curve-schema.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import type { JobHandler } from "#workers/hub/handler.ts";
import { studyHandler } from "./study.ts";

/** Measures what else could be done with a guide's passes, on what its pair was measured on. @param pictures of so many prompts */
export const curveOf = (pictures: number): JobHandler =>
  studyHandler("curve", async (job, run) => {
    const { curve, ...found } = await run({ ...job, type: "curve", pictures });
    return { ...found, result: { version: CURVE_VERSION, ...curve } };
  });

export const curveHandler = curveOf(firstLook.prompts);
