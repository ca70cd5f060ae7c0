import { z } from "zod";
import { storableText } from "#lib/catalog/plain-text.ts";
import { pageOf, pageQuery } from "#lib/page.ts";

export const treeQuery = z.object({
  ...pageQuery.shape,
  limit: z.coerce.number().int().min(1).max(1000).default(1000),
  revision: storableText(255).default("HEAD").meta({ description: "a branch, a tag or a commit" }),
  path: storableText(1024).default("").meta({ description: "a folder; the top where nothing is said" }),
  recursive: z.stringbool().default(false),
});
export type TreeQuery = z.output<typeof treeQuery>;

const treeEntry = z.object({
  type: z.enum(["file", "directory"]),
  path: z.string(),
  size: z.number().meta({ description: "in bytes; 0 for a folder" }),
  sha256: z.string().nullable(),
  gitSha1: z.string().nullable(),
  lfs: z.boolean().meta({ description: "named by its sha256, and downloaded from the store itself" }),
});
export type TreeEntry = z.output<typeof treeEntry>;

/** By name, whatever the capital letters; a folder before what is in it. */
export const tree = pageOf(treeEntry).extend({ commit: z.string() });
export type Tree = z.output<typeof tree>;
