import { z } from "zod";
import { card } from "#lib/catalog/cards/schema.ts";
import { verdict } from "#lib/catalog/verdict.ts";
import { commitItem } from "#lib/catalog/commits/schema.ts";
import { refItem } from "#lib/catalog/refs/schema.ts";
import { kindNames } from "#lib/catalog/kinds.ts";
import { fullName } from "#lib/catalog/repo-name.ts";
import { plainLine, storableText } from "#lib/catalog/plain-text.ts";
import { pageOf, pageQuery } from "#lib/page.ts";

export const repoKind = z.enum(kindNames);
export const visibility = z.enum(["public", "private"]);

const repoName = z
  .string()
  .max(96)
  .regex(
    /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$/,
    "letters, digits, “-”, “_” and “.” only, with a letter, digit or “_” at both ends",
  )
  .refine((name) => !/--|\.\.|\.git$/i.test(name), "it must not hold “--” or “..”, nor end with “.git”");

export const repoParams = z.object({ owner: z.string().max(96), repo: z.string().max(96) });

const about = {
  license: plainLine(100).nullable().meta({ description: "an SPDX name, or one of the model world like openrail" }),
  summary: plainLine(300),
  tags: z.array(plainLine(100).min(1)).max(100),
};

export const newRepo = z.strictObject({
  owner: z.string().max(96).meta({ description: "you, or an organisation that you may write to" }),
  name: repoName,
  kind: repoKind.meta({ description: "never changes" }),
  visibility,
  base: fullName.optional().meta({ description: "the base that a fine-tune or guide is made for" }),
  license: about.license.optional(),
  summary: about.summary.optional(),
  tags: about.tags.optional(),
});
export type NewRepo = z.output<typeof newRepo>;

export const repoChange = z.strictObject({
  visibility: visibility.optional(),
  base: fullName.nullable().optional(),
  license: about.license.optional(),
  summary: about.summary.optional(),
  tags: about.tags.optional(),
});
export type RepoChange = z.output<typeof repoChange>;

export const sorts = ["updated", "downloads", "name", "created"] as const;
export type Sort = (typeof sorts)[number];

/** Classes of size, by the bytes of the newest commit: each begins where the one before it ends. */
export const sizes = [
  { name: "under 10 MB", from: 0 },
  { name: "10 to 100 MB", from: 10e6 },
  { name: "100 MB to 1 GB", from: 100e6 },
  { name: "1 to 10 GB", from: 1e9 },
  { name: "over 10 GB", from: 10e9 },
] as const;

export const repoQuery = z.object({
  ...pageQuery.shape,
  kind: repoKind.optional(),
  base: fullName.optional(),
  owner: z.string().max(96).optional(),
  q: storableText(200).optional().meta({
    description:
      "words, each of which begins one of the owner, the name, the summary or the tags, or is within the name",
  }),
  license: storableText(100).optional(),
  tag: storableText(100).optional(),
  measured: verdict.optional().meta({ description: "the best verdict of the newest weights" }),
  size: z
    .enum(sizes.map(({ name }) => name))
    .optional()
    .meta({ description: "by the bytes of the newest commit" }),
  sort: z.enum(sorts).default("updated"),
  facets: z.stringbool().default(false).meta({ description: "whether to count what there is" }),
});
export type RepoQuery = z.output<typeof repoQuery>;

export const repoItem = z.object({
  id: z.uuid(),
  owner: z.string(),
  name: z.string(),
  kind: repoKind,
  visibility,
  summary: z.string(),
  license: z.string().nullable(),
  tags: z.array(z.string()),
  base: z
    .string()
    .nullable()
    .meta({ description: "the base that it says it is made for; null also where you may not see it" }),
  downloads: z.number(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  headCommit: z.string().nullable().meta({ description: "the newest commit of the default branch" }),
  contract: z.string().nullable().meta({
    description: "what the model is to a guide, as inspected, like unet-in4-c320.640.1280.1280-l2.2.2.2-a1110-t768-eps",
  }),
  facts: z
    .object({
      kind: z.string().nullable(),
      parameters: z.number().nullable(),
      runs: z.boolean().meta({ description: "whether previews are drawn and guides measured with it here" }),
      whyNot: z.string().nullable().meta({ description: "why not, in words" }),
    })
    .nullable()
    .meta({ description: "from the last good inspection of the newest commit" }),
});
export type RepoItem = z.output<typeof repoItem>;

/** So many repos are counted one by one at most. */
export const MAX_COUNTED = 1000;

const counts = z.array(
  z.object({
    value: z.string(),
    count: z.number(),
    atLeast: z.literal(true).optional().meta({
      description:
        "there are so many, and may be more: beside words, an owner or a tag 1000 repos are counted, and of private ones 1000",
    }),
  }),
);

export const facets = z
  .object({
    kind: counts,
    base: counts,
    license: counts,
    size: counts.meta({ description: "by the bytes of the newest commit" }),
    measured: counts.meta({
      description:
        "by the best verdict of the newest weights: verified, usableWithLimits, inconclusive, incompatible, notMeasured",
    }),
  })
  .meta({ description: "how many repos there are of each; a facet counts as if it were not chosen from itself" });
export type Facets = z.output<typeof facets>;

export const repoList = pageOf(repoItem).extend({ facets: facets.optional() });
export type RepoList = z.output<typeof repoList>;

export const repoPage = repoItem.extend({
  defaultBranch: z.string(),
  card: card.nullable().meta({ description: "README.md of the newest commit" }),
  refs: z.array(refItem),
  head: commitItem.nullable(),
  usage: z
    .object({ files: z.number(), bytes: z.number(), downloadsLastMonth: z.number() })
    .meta({ description: "files and bytes of the newest commit" }),
});
export type RepoPage = z.output<typeof repoPage>;
