import { z } from "zod";
import { knownName } from "#lib/catalog/namespaces/schema.ts";
import { storableText } from "#lib/catalog/plain-text.ts";
import { auditKinds } from "#lib/db/outbox-kinds.ts";
import { pageOf, pageQuery } from "#lib/page.ts";

export const auditQuery = z.object({
  ...pageQuery.shape,
  order: z.enum(["newest", "oldest"]).default("newest").meta({
    description:
      "oldest: to follow along; keep asking with the last “next” that you got, and nothing is missed, not even what took long",
  }),
  person: knownName.optional().meta({ description: "the username of who did it; newest first only" }),
  subject: storableText(100).optional().meta({ description: "the id of what it was done to; newest first only" }),
});
export type AuditQuery = z.output<typeof auditQuery>;

export const auditItem = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  kind: z.enum(auditKinds),
  person: z.string().nullable().meta({ description: "the username; null: the hub itself, or somebody who is gone" }),
  personId: z.string().nullable(),
  token: z.string().nullable().meta({ description: "the id of the access token it was done with" }),
  subject: z.string(),
  repo: z.uuid().nullable(),
  namespace: z.uuid().nullable(),
  detail: z.record(z.string(), z.unknown()),
});
export type AuditItem = z.output<typeof auditItem>;

export const auditList = pageOf(auditItem);
export type AuditList = z.output<typeof auditList>;
