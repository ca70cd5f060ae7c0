import { z } from "zod";
import { pairView } from "#lib/catalog/pairs/schema.ts";
import { fullName } from "#lib/catalog/repo-name.ts";
import { licenceTerms } from "./licences.ts";

/** Counts up when a report's shape changes, so that whoever reads an old one knows. 2: it says where its files are. */
export const REPORT_FORMAT = "guidepost-report/2";

const source = z.object({
  repo: fullName,
  commit: z.string(),
  files: z.array(z.object({ path: z.string(), sha256: z.string(), size: z.number() })),
});
/** A commit that a part of a measurement is taken from, and those of its files that are needed. */
export type Source = z.output<typeof source>;

const orGone = source.nullable();
const sources = z.object({
  model: orGone,
  lowRank: z.array(orGone).meta({ description: "in the order in which they are applied" }),
  guide: orGone,
  judge: orGone.meta({ description: "the guide's base, which lineage was measured against" }),
  evaluators: z.array(orGone).default([]).meta({ description: "what reads pictures, as the measurement names it" }),
});
export type Sources = z.output<typeof sources>;

export const report = z.object({
  format: z.literal(REPORT_FORMAT),
  hub: z.url().meta({ description: "whose key signed it; the keys are at /.well-known/guidepost-report-keys.json" }),
  page: z.url().meta({ description: "where it stands, with what was measured since" }),
  signedAt: z.iso.datetime(),
  isByOwner: z.boolean().meta({ description: "whether the hub's operator owns the guide or a part of the model" }),
  licences: z.object({
    parts: z.array(z.object({ repo: fullName, licence: z.string().nullable(), terms: z.enum(licenceTerms) })),
    together: z.array(z.string()),
  }),
  sources: sources.meta({
    description: "at /{repo}/resolve/{commit}/{path} of the hub, what it takes to measure again; null for what is gone",
  }),
  pair: pairView.omit({ progress: true, queue: true }),
});
export type Report = z.output<typeof report>;

export const signedReport = z.object({
  report,
  signature: z
    .object({ protected: z.string(), signature: z.string() })
    .meta({ description: "JSON Web Signature over the canonical form (RFC 8785) of `report`, which is detached" }),
});
export type SignedReportView = z.output<typeof signedReport>;

export const reportKeySet = z.object({
  keys: z.array(
    z.object({
      kty: z.literal("OKP"),
      crv: z.literal("Ed25519"),
      x: z.string(),
      kid: z.string(),
      alg: z.literal("EdDSA"),
      use: z.literal("sig"),
    }),
  ),
});
