import { z } from "zod";
import { email, givenPassword, newPassword } from "#lib/auth/schema.ts";
import { plainName } from "#lib/catalog/plain-text.ts";
import { quotaView } from "#lib/catalog/quotas/schema.ts";
import { pageOf, pageQuery } from "#lib/page.ts";
import { isReserved } from "./reserved.ts";

/** What a new person or organisation may be called; the database has the same grammar. */
export const namespaceName = z
  .string()
  .min(1, "it must not be empty")
  .max(40, "it may have 40 characters at most")
  .regex(
    /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$/,
    "it may have letters, digits, “-”, “_” and “.” only, with a letter, digit or “_” at both ends",
  )
  .refine((name) => !/--|\.\./.test(name), "it must not hold “--” or “..”")
  .refine((name) => !isReserved(name), "it is kept for a page of this hub; take another");

/** A name that may exist. */
export const knownName = z
  .string()
  .min(1)
  .max(96)
  .regex(/^[\w.-]+$/, "it is no name: letters, digits, “-”, “_” and “.” only");

export const displayName = plainName(100);

export const newAccount = z.strictObject({
  username: namespaceName.meta({ description: "the first half of “owner/repo”; stays" }),
  name: displayName.optional().meta({ description: "what is shown; your username where nothing is said" }),
  email: email.meta({ description: "shown to nobody" }),
  password: newPassword,
  invitation: z
    .string()
    .max(100, "it is longer than an invitation can be")
    .optional()
    .meta({ description: "what stands behind “invitation=” in the link" }),
});
export type NewAccount = z.output<typeof newAccount>;

export const credentials = z
  .strictObject({ email: email.optional(), username: knownName.optional(), password: givenPassword })
  .refine(({ email, username }) => (email === undefined) !== (username === undefined), {
    path: ["email"],
    error: "send either your e-mail address or your username",
  });

export const role = z
  .enum(["owner", "writer", "reader"])
  .meta({ description: "owner: also changes members and deletes · writer: changes repos · reader: sees private ones" });
export type Role = z.output<typeof role>;

export const newOrganisation = z.strictObject({ name: namespaceName, displayName: displayName.optional() });
export type NewOrganisation = z.output<typeof newOrganisation>;

export const namespaceQuery = z.object({
  ...pageQuery.shape,
  mine: z.stringbool().default(false).meta({ description: "only yours, and the organisations that you belong to" }),
});
export type NamespaceQuery = z.output<typeof namespaceQuery>;

export const namespaceItem = z.object({
  name: z.string(),
  kind: z.enum(["user", "organisation"]),
  displayName: z.string().nullable(),
  createdAt: z.iso.datetime(),
});
export type NamespaceItem = z.output<typeof namespaceItem>;

export const member = z.object({ username: z.string(), role });

export const namespacePage = namespaceItem.extend({
  role: role.nullable().meta({ description: "what you are there" }),
  quota: quotaView.nullable().meta({ description: "what is used of what it may have, told to its members; else null" }),
  members: z.array(member).nullable().meta({ description: "of an organisation, told to its members; else null" }),
});
export type NamespacePage = z.output<typeof namespacePage>;

export const namespaceList = pageOf(namespaceItem);
