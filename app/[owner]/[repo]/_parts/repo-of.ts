import { cache } from "react";
import { type RepoName, requireWrite } from "#lib/auth/access.ts";
import { countCommits } from "#lib/catalog/commits/service.ts";
import { getRepoAndCard } from "#lib/catalog/repos/service.ts";
import type { RepoPage } from "#lib/catalog/repos/schema.ts";
import { currentActor } from "../../../_page/actor.ts";
import { ifThere, shown } from "../../../_page/shown.ts";

export interface RepoParams {
  readonly owner: string;
  readonly repo: string;
}

export interface ShownRepo extends RepoPage {
  /** “owner/repo”, and the same as services take it. */
  readonly fullName: string;
  readonly nameParts: RepoName;
  /** The README.md of its newest commit; null where it has none. */
  readonly cardFile: Awaited<ReturnType<typeof getRepoAndCard>>["cardFile"];
  readonly versions: number;
  /** Whether whoever looks may change it. */
  readonly mayWrite: boolean;
}

/** The repo of an address, asked once in a request; the not-found page where there is none that may be seen. */
export const repoOf = cache(async (owner: string, repo: string): Promise<ShownRepo> => {
  const actor = await currentActor();
  const [{ repo: page, cardFile }, writable, versions] = await Promise.all([
    shown(getRepoAndCard(actor, { owner, repo })),
    ifThere(requireWrite(actor, { owner, repo })),
    ifThere(countCommits(actor, { owner, repo })),
  ]);
  return {
    ...page,
    cardFile,
    fullName: `${page.owner}/${page.name}`,
    nameParts: { owner: page.owner, repo: page.name },
    versions: versions ?? 0,
    mayWrite: writable !== null,
  };
});
