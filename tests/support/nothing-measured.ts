import type { Measured } from "#lib/catalog/pairs/schema.ts";

/** What a measurement is that found out nothing: for tests of who may see it, and of what becomes of it. */
export const nothingMeasured: Measured = {
  structure: [],
  lineage: null,
  agreement: null,
  fidelity: null,
  looks: [],
  next: null,
  cost: null,
  protocol: {
    version: 2,
    sampler: "ddim",
    steps: 20,
    guidanceScale: 5,
    agreementGuidances: [2],
    agreementPrompts: 16,
    agreementSeed: 99,
    pictureSeed: 77,
  },
  evaluatorSha256: null,
  evaluators: [],
  promptsSha256: null,
  files: [],
  runtime: { name: "x", version: "1", provider: "cpu", precision: "float32", threads: 1 },
};
