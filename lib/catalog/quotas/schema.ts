import { z } from "zod";
import { limitExamples, type LimitKind, readLimit } from "./limit-text.ts";

const limit = (description: string) =>
  z.int().min(0).max(Number.MAX_SAFE_INTEGER).nullable().optional().meta({ description });
const count = (description: string) =>
  limit(description).pipe(
    z
      .int()
      .max(2 ** 31 - 1)
      .nullable()
      .optional(),
  );

/** What is not there stays; null: what the configuration says. */
export const quotaChange = z.strictObject({
  bytes: limit("of all contents"),
  files: count("contents, each once a repo"),
  repos: count("repos"),
  jobs: count("of a person: that may wait at once"),
  deviceSeconds: count(
    "that workers compute in 24 hours: for a person what they ask for, for guidepost what the hub measures anew",
  ),
});
export type QuotaChange = z.output<typeof quotaChange>;

/** A limit as it is written in a form; empty: what the configuration says. */
const written = (kind: LimitKind) =>
  z
    .string()
    .transform((text) => (text.trim() === "" ? null : readLimit(text, kind)))
    .refine((limit) => limit !== undefined, `write a ${limitExamples[kind]}, or leave it empty`)
    .transform((limit) => limit!)
    .optional();

/** The same change as a form sends it. */
export const quotaForm = z.object({
  bytes: written("size"),
  files: written("count"),
  repos: written("count"),
  jobs: written("count"),
  deviceSeconds: written("time"),
});

/** How each limit is written. */
export const limitKinds: Readonly<Record<keyof QuotaChange, LimitKind>> = {
  bytes: "size",
  files: "count",
  repos: "count",
  jobs: "count",
  deviceSeconds: "time",
};

export const quotaLine = z.object({
  used: z.number(),
  reserved: z.number().meta({ description: "announced by uploads that have not ended; given back when they do" }),
  limit: z.number().nullable().meta({ description: "null: none" }),
  isOwn: z.boolean().meta({ description: "whether an operator set it for this namespace" }),
});
export type QuotaLine = z.output<typeof quotaLine>;

export const quotaView = z.object({
  bytes: quotaLine,
  files: quotaLine,
  repos: quotaLine,
  jobs: quotaLine.nullable().meta({ description: "that wait now; null for an organisation, which asks for none" }),
  deviceSeconds: quotaLine.nullable().meta({
    description:
      "that workers computed in the last 24 hours: for a person, or for guidepost what the hub measured anew; null for another organisation",
  }),
});
export type QuotaView = z.output<typeof quotaView>;
