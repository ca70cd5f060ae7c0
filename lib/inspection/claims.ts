import { claimedFamily } from "#lib/families/claims.ts";
import type { Kind } from "./kind.ts";

/** Of a file, by its tensors. */
interface Found {
  readonly kind: Kind;
  /** The id and the name of its family; null where none is known, or where it is of none that metadata could name. */
  readonly family: { readonly id: string | null; readonly name: string } | null;
  /** The names of all that it may be of, where several fit. */
  readonly families: readonly string[];
}

/** Where metadata says one thing and the tensors another, in words. Metadata that claims nothing we know is left alone. */
export function falseClaims(metadata: ReadonlyMap<string, string>, { kind, family, families }: Found): string[] {
  const format = formats.find(({ is }) => is === metadata.get("format"));
  const problems =
    format && format.kind !== kind
      ? [`Its metadata says that it is ${format.says}, and its tensors are not those of one.`]
      : [];
  const claim = claimedFamily(metadata);
  const agrees = !claim || !family?.id || family.id.startsWith(claim.id) || families.includes(claim.name);
  if (agrees) return problems;
  return [
    ...problems,
    `Its metadata says ${claim.name} ("${claim.key}"), and its tensors are those of ${family.name}.`,
  ];
}

const formats: readonly { is: string; kind: Kind; says: string }[] = [
  { is: "guide/1", kind: "guide", says: "a guide" },
  { is: "evaluator/1", kind: "evaluator", says: "an evaluator" },
];
