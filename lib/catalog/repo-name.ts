import { z } from "zod";
import type { RepoName } from "#lib/auth/access.ts";

/** A repo as people write it: “owner/repo”. */
export const fullName = z
  .string()
  .max(200)
  .regex(/^[\w.-]+\/[\w.-]+$/, "it must be like owner/repo");

export function toRepoName(text: string): RepoName {
  const [owner, repo] = text.split("/") as [string, string];
  return { owner, repo };
}
