import { z } from "zod";
import { kindNames } from "#lib/catalog/kinds.ts";

/** As many as are looked for at once, which is a folder of a person's models and more. */
export const MAX_HASHES = 100;

/**
 * What tools call a file by: its sha256, whole or at least the first ten digits; AutoV1 and CRC32 (8), AutoV2 (10) and AutoV3 (12).
 * In any letters.
 */
export const fileHash = z
  .string()
  .trim()
  .regex(/^(?:[0-9a-f]{8}|[0-9a-f]{10,64})$/i, "it must be 8, or 10 to 64 hexadecimal digits")
  .toLowerCase();

export const hashes = z.array(fileHash).min(1).max(MAX_HASHES);

/** A file with its repo, in the shape of Civitai's versions, which tools for folders of models read; `repo` … `kind` are ours. */
export const modelVersion = z.object({
  id: z.int().meta({ description: "of the commit: made from its name, and nothing that can be asked for" }),
  modelId: z.int().meta({ description: "of the repo, likewise" }),
  name: z.string().meta({ description: "the first digits of the commit" }),
  baseModel: z.string().meta({ description: "the base that it says it is made for, or “Other”" }),
  createdAt: z.iso.datetime(),
  publishedAt: z.iso.datetime(),
  trainedWords: z.array(z.string()),
  description: z.string().nullable(),
  stats: z.object({ downloadCount: z.number() }),
  model: z.object({ name: z.string(), type: z.string(), nsfw: z.literal(false), poi: z.literal(false) }),
  files: z.array(
    z.object({
      id: z.int(),
      name: z.string(),
      type: z.literal("Model"),
      sizeKB: z.number(),
      metadata: z.object({ format: z.string() }),
      hashes: z
        .record(z.string(), z.string())
        .meta({ description: "in capital letters, by the names that Civitai has" }),
      primary: z.literal(true),
      downloadUrl: z.string(),
    }),
  ),
  images: z.array(z.never()),
  downloadUrl: z.string(),
  repo: z.string(),
  commit: z.string(),
  path: z.string(),
  sha256: z.string(),
  kind: z.enum(kindNames),
  isHead: z.boolean().meta({ description: "whether the newest commit has the file" }),
});
export type ModelVersion = z.output<typeof modelVersion>;
