import { createHash } from "node:crypto";

export const roles = ["base", "lora"] as const;
export type Role = (typeof roles)[number];

/** One part of what draws, at the commit that it is taken from. */
export interface Component {
  readonly role: Role;
  readonly commitId: string;
  /** Of its own files. */
  readonly weightsSha256: string;
  /** 1: as it was trained. */
  readonly strength: number;
  /** In the text encoders, where that is another one. */
  readonly textStrength: number;
}

/**
 * What draws: a base, and what changes it, in the order in which that is applied. Evidence is keyed by `hash`, which says nothing of
 * whose files they are; `id` says that too.
 */
export interface Unit {
  readonly id: string;
  readonly hash: string;
  readonly components: readonly Component[];
}

export const toUnit = (components: readonly Component[]): Unit => ({
  id: digest(components.map((one) => `${one.commitId} ${lineOf(one)}`)),
  hash: unitHash(components),
  components,
});

export const unitHash = (components: readonly Omit<Component, "commitId">[]): string => digest(components.map(lineOf));

/** Equal for equal bytes, whatever the files are called. */
const ownWeights = (files: readonly { readonly role: string; readonly sha256: string }[]): string =>
  digest(files.map(({ role, sha256 }) => `${role} ${sha256}`).toSorted());

/** What comes as one file, which others name by its sha256. */
const oneFile: ReadonlySet<string> = new Set(["guide", "evaluator"]);

/** Of a commit, by what was found in it. */
export const ownWeightsOf = ({
  kind,
  files,
}: {
  readonly kind: string;
  readonly files: readonly { readonly role: string; readonly sha256: string }[];
}): string | null => (oneFile.has(kind) ? (files[0]?.sha256 ?? null) : files.length === 0 ? null : ownWeights(files));

const lineOf = ({ role, weightsSha256, strength, textStrength }: Omit<Component, "commitId">): string =>
  `${role} ${weightsSha256} ${strength} ${textStrength}`;

const digest = (lines: readonly string[]): string => createHash("sha256").update(lines.join("\n")).digest("hex");
