import { z } from "zod";
import { storableText } from "#lib/catalog/plain-text.ts";
import { pageOf, pageQuery } from "#lib/page.ts";

export const MAX_UPLOAD_BYTES = 100e9; // read and hashed within the hour that a job may take
/** Ten thousand, as many as S3 takes, are 167 GB. */
export const PART_BYTES = 16 * 2 ** 20;
export const MAX_UNFINISHED = 1000; // of one person
export const MAX_SIGNED = 100;
export const SIGNED_SECONDS = 3600;

export const uploadParams = z.object({ id: z.uuid() });

export const newUpload = z.strictObject({
  path: storableText(4096).meta({
    description: "where in the repo it is meant to go; a commit may choose another place",
  }),
  size: z.int().min(0).meta({ description: "in bytes" }),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "it must be 64 hexadecimal digits in small letters")
    .optional()
    .meta({ description: "if you know it: the upload fails when other bytes come" }),
});
export type NewUpload = z.output<typeof newUpload> & { readonly idempotencyKey?: string | undefined };

export const uploadItem = z.object({
  id: z.uuid(),
  path: z.string(),
  state: z.enum(["open", "receiving", "hashing", "verified", "linked", "failed", "aborted", "expired"]).meta({
    description:
      "open and receiving: parts may be sent · hashing: a worker reads it · verified: a commit may take it · linked, failed, aborted and expired: ended",
  }),
  size: z.number().meta({ description: "in bytes" }),
  sha256: z.string().nullable().meta({ description: "ours once it is verified, before that the declared one" }),
  partSize: z.number().meta({ description: "of every part but the last" }),
  partCount: z.number(),
  problem: z.string().nullable().meta({ description: "why it failed" }),
  progress: z
    .object({ done: z.number(), total: z.number() })
    .nullable()
    .meta({ description: "bytes that were hashed" }),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().meta({ description: "when it is swept away, unless a commit has taken it" }),
});
export type UploadItem = z.output<typeof uploadItem>;

export const uploadView = uploadItem.extend({
  arrived: z.array(z.number()).meta({ description: "the numbers of the parts that are there, from 1 on" }),
  queue: z
    .object({ ahead: z.number(), running: z.number(), workers: z.number(), seconds: z.number().nullable() })
    .nullable()
    .meta({ description: "its place while it waits to be hashed" }),
});
export type UploadView = z.output<typeof uploadView>;

export const uploadQuery = pageQuery;
export type UploadQuery = z.output<typeof uploadQuery>;
export const uploadList = pageOf(uploadItem);

export const partsToSign = z.strictObject({ numbers: z.array(z.int().min(1)).min(1).max(MAX_SIGNED) });

export const signedParts = z.object({
  items: z.array(
    z.object({
      number: z.number(),
      size: z.number().meta({ description: "exactly so many bytes are taken" }),
      url: z.string().meta({ description: "takes one PUT with the bytes as its body, as often as needed" }),
    }),
  ),
  expiresAt: z.iso.datetime(),
});
export type SignedParts = z.output<typeof signedParts>;
