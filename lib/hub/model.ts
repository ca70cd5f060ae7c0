import { can } from "#lib/catalog/kinds.ts";
import type { RepoItem } from "#lib/catalog/repos/schema.ts";

/** How a repo came from its base, in the words of the Hub: what is put beside a model is an adapter of it there. */
export const relationOf = ({ kind }: Pick<RepoItem, "kind">): "adapter" | "finetune" =>
  can({ kind }, "guides") ? "adapter" : "finetune";

/** The tags by which clients of the Hub find models: the author's own, and what this hub knows. The filter of a list reads them back. */
export const tagsOf = ({ kind, tags, license, base }: RepoItem): string[] => [
  ...new Set([
    ...tags,
    kind,
    ...(license === null ? [] : [`license:${license}`]),
    ...(base === null ? [] : [`base_model:${base}`, `base_model:${relationOf({ kind })}:${base}`]),
    ...(base !== null && can({ kind }, "guides") ? [`guide-for:${base}`] : []),
  ]),
];

/** A repo as clients of the Hub read it. What this hub does not count is 0, for some clients compute with it. */
export const toHubModel = (item: RepoItem) => ({
  _id: item.id.replaceAll("-", ""),
  id: `${item.owner}/${item.name}`,
  modelId: `${item.owner}/${item.name}`,
  author: item.owner,
  sha: item.headCommit,
  createdAt: item.createdAt,
  lastModified: item.updatedAt,
  private: item.visibility === "private",
  gated: false,
  disabled: false,
  downloads: item.downloads,
  likes: 0,
  trendingScore: 0,
  tags: tagsOf(item),
  ...(can(item, "draws") && { pipeline_tag: TEXT_TO_IMAGE, library_name: "diffusers" }),
});

/** What the Hub calls a model that draws what a text says. */
export const TEXT_TO_IMAGE = "text-to-image";
