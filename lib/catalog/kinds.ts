import type { RepoKind } from "#lib/db/generated/client.ts";
import { withArticle } from "#lib/util/with-article.ts";

/** What a repo can be to others. A new kind is a line here, and one in the table `repo_kind_can` for the rules of the database. */
export interface Kind {
  /** As sentences name it. */
  readonly name: string;
  /** As headings name many. */
  readonly plural: string;
  /** Pictures are drawn with it: it is the model of a preview, and the one side of a pair. */
  readonly draws: boolean;
  /** It is put beside a model in place of CFG: the other side of a pair. */
  readonly guides: boolean;
  /** Others are made for it. */
  readonly isBase: boolean;
  /** It may say which base it is made for. */
  readonly hasBase: boolean;
  /** It judges pictures. */
  readonly evaluates: boolean;
}

export type Capability = Exclude<keyof Kind, "name" | "plural">;

const none = { draws: false, guides: false, isBase: false, hasBase: false, evaluates: false };

/** In the order in which pages show them. */
export const kinds: Readonly<Record<RepoKind, Kind>> = {
  finetune: { ...none, name: "fine-tune", plural: "Fine-tunes", draws: true, hasBase: true },
  guide: { ...none, name: "guide", plural: "Guides", guides: true, hasBase: true },
  base: { ...none, name: "base", plural: "Bases", draws: true, isBase: true },
  evaluator: { ...none, name: "evaluator", plural: "Evaluators", evaluates: true },
};

export const kindNames = Object.keys(kinds) as [RepoKind, ...RepoKind[]];

export const can = ({ kind }: { readonly kind: RepoKind }, what: Capability): boolean => kinds[kind][what];

/** All that can do something, in the order of the table. */
export const kindsThat = (what: Capability): RepoKind[] => kindNames.filter((kind) => kinds[kind][what]);

/** “a guide”, as sentences say what a repo is. */
export const aKind = ({ kind }: { readonly kind: RepoKind }): string => withArticle(kinds[kind].name);
