import { z } from "zod";
import { jobState } from "#lib/catalog/inspections/schema.ts";
import { curveFound, curveRaw } from "./curve-schema.ts";
import { envelopeCost, envelopeFound, envelopeRaw } from "./envelope-schema.ts";

/** What is measured of a pair beside its verdict, once of each kind: by a job of the same kind. */
export const studyKinds = ["curve", "envelope"] as const;
export type StudyKind = (typeof studyKinds)[number];

const study = {
  id: z.uuid().meta({ description: "of the job that measures it, too" }),
  state: jobState,
  measuredAt: z.iso.datetime().nullable(),
  machine: z.string().nullable(),
  milliseconds: z.number().nullable(),
};
const aboutRaw = { description: "the value of every prompt, where asked for" };

export const curveView = z.object({
  ...study,
  found: curveFound.nullable(),
  raw: curveRaw.optional().meta(aboutRaw),
});
export type CurveView = z.output<typeof curveView>;

export const envelopeView = z.object({
  ...study,
  progress: z
    .object({ stage: z.string(), done: z.number(), total: z.number() })
    .nullable()
    .default(null)
    .meta({ description: "how far the attempt that runs is" }),
  found: envelopeFound.nullable(),
  raw: envelopeRaw.optional().meta(aboutRaw),
});
export type EnvelopeView = z.output<typeof envelopeView>;

/** Of a pair, for whoever asks for it or may. */
export const envelopeAnswer = z.object({
  pair: z.uuid(),
  envelope: envelopeView.nullable().meta({ description: "null where nobody asked for it" }),
  cost: envelopeCost.meta({ description: "of finding it" }),
  problem: z.string().nullable().meta({ description: "why it cannot be found; null where it can" }),
});
export type EnvelopeAnswer = z.output<typeof envelopeAnswer>;

/** What a child found out, as it is stored: in it is text of strangers. */
export const studyFound = { curve: curveFound, envelope: envelopeFound } as const;
export const studyRaw = { curve: curveRaw, envelope: envelopeRaw } as const;
