import { z } from "zod";

const hex = z.string().regex(/^[0-9a-f]{64}$/);

/** A time in which what is uploaded is measured with one secret of the hub. */
export const period = z.object({
  number: z.int(),
  committedAt: z.iso.datetime(),
  startsAt: z.iso.datetime(),
  endsAt: z.iso.datetime(),
  commitment: hex.meta({ description: "sha256 of the secret, published before the period begins" }),
  toldFrom: z.iso
    .datetime()
    .meta({ description: "from when on the secret is told, and what was drawn can be drawn again" }),
  secret: hex.nullable().meta({
    description: "what prompts and noise are made of; null until it is told",
  }),
});
export type Period = z.output<typeof period>;

export const periodList = z.object({ periods: z.array(period).meta({ description: "the newest first" }) });
