import { z } from "zod";
import { plainLine, plainProse, storableText } from "#lib/catalog/plain-text.ts";
import { pageOf, pageQuery } from "#lib/page.ts";

export const MAX_FILES = 10_000;
export const MAX_OPERATIONS = 10_000;
export const MAX_INLINE_FILES = 1_000;
export const MAX_INLINE_BYTES = 2 ** 20; // larger ones are uploaded
export const MAX_BODY_BYTES = 8 * 2 ** 20;

const path = z.string();

const fileOperation = z.discriminatedUnion("op", [
  z
    .strictObject({
      op: z.literal("add"),
      path,
      upload: z.uuid().optional().meta({ description: "the id of an upload that was verified" }),
      content: z.string().optional().meta({ description: "at most 1 MiB; larger files are uploaded" }),
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/, "it must be 64 hexadecimal digits in small letters")
        .optional()
        .meta({ description: "of a content that a commit of this repo has, or that you have uploaded to it" }),
      encoding: z.enum(["utf-8", "base64"]).default("utf-8"),
    })
    .refine(
      ({ upload, content, sha256 }) => [upload, content, sha256].filter((one) => one !== undefined).length === 1,
      "one of “upload”, “content” and “sha256” must be there, and only one",
    ),
  z.strictObject({ op: z.literal("delete"), path }),
  z.strictObject({ op: z.literal("copy"), path, from: z.strictObject({ revision: storableText(255), path }) }),
]);
export type FileOperation = z.input<typeof fileOperation>;

export const newCommit = z.strictObject({
  branch: storableText(255).min(1).optional().meta({ description: "the default branch where nothing is said" }),
  parent: z
    .string()
    .regex(/^[0-9a-f]{40}$/, "it must be 40 hexadecimal digits")
    .optional()
    .meta({ description: "the commit that this one was made from, in full; refused when the branch has moved on" }),
  title: plainLine(500).min(1),
  message: plainProse(10_000).default(""),
  operations: z.array(fileOperation).min(1).max(MAX_OPERATIONS),
});
export type NewCommit = z.input<typeof newCommit>;

export const commitItem = z.object({
  id: z.string().meta({ description: "40 hexadecimal digits" }),
  parent: z.string().nullable(),
  title: z.string(),
  message: z.string(),
  author: z
    .string()
    .nullable()
    .meta({ description: "the name of the person; null for the hub itself and for people who left" }),
  createdAt: z.iso.datetime(),
  files: z.number(),
  bytes: z.number(),
});
export type CommitItem = z.output<typeof commitItem>;

export const commitResult = commitItem.extend({
  branch: z.string(),
  isNew: z.boolean().meta({
    description: "false when the branch had these files already; the commit is then the one that it points at",
  }),
});
export type CommitResult = z.output<typeof commitResult>;

export const historyQuery = z.object({ ...pageQuery.shape, revision: storableText(255).default("HEAD") });
export type HistoryQuery = z.output<typeof historyQuery>;
export const commitList = pageOf(commitItem);
