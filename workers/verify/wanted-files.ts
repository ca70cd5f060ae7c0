import type { Report, Source } from "#lib/catalog/reports/schema.ts";
import { AppError } from "#lib/errors.ts";
import type { WantedFile } from "./bring-files.ts";

/** A part of a measurement with all its files. */
export interface Part extends Source {
  /** What it is, in words. */
  readonly what: string;
}

export interface Parts {
  readonly model: Part;
  readonly lowRank: readonly Part[];
  readonly guide: Part;
  /** Null where lineage was not measured: the guide's base is not on the hub. */
  readonly judge: Part | null;
  readonly evaluators: readonly Part[];
}

/** What a report was measured with. @throws file_not_found where a part is gone, bad_request where it is not what was measured */
export function partsOf({ sources, pair, hub }: Report): Parts {
  const part = (source: Source | null, what: string): Part => {
    if (source !== null && source.files.length > 0) return { ...requireSound(source), what };
    throw new AppError(
      "file_not_found",
      `When ${hub} signed this, its ${what} was gone or not to be read by whoever asked, so nobody can measure it again from this report.`,
      { what },
    );
  };
  const measured = pair.measured;
  const hasBase = measured !== null && measured.lineage !== null;
  if (
    sources.lowRank.length !== pair.unit.components.length - 1 ||
    sources.evaluators.length !== (measured?.evaluators.length ?? 0)
  )
    throw new AppError("bad_request", "The report names other parts than were measured; get it again from its hub.");
  const parts: Parts = {
    model: part(sources.model, "model"),
    lowRank: sources.lowRank.map((source) => part(source, "low-rank file")),
    guide: part(sources.guide, "guide"),
    judge: hasBase || sources.judge ? part(sources.judge, "guide's base") : null,
    evaluators: sources.evaluators.map((source) => part(source, "evaluator")),
  };
  const given = new Set(filesOf(parts).map(({ sha256 }) => sha256));
  const named = [
    ...(measured?.files.map(({ sha256 }) => sha256) ?? []),
    ...(measured?.evaluators.flatMap(({ kind, sha256 }) => (kind === "attributes" ? [sha256] : [])) ?? []),
  ];
  const lost = named.find((sha256) => sha256 && !given.has(sha256));
  if (lost)
    throw new AppError(
      "file_not_found",
      `${hub} does not say where the file ${lost.slice(0, 12)}… is that it measured, so nobody can measure it again from this report.`,
      { sha256: lost },
    );
  return parts;
}

const filesOf = ({ model, lowRank, guide, judge, evaluators }: Parts) =>
  [model, ...lowRank, guide, ...(judge ? [judge] : []), ...evaluators].flatMap(({ repo, commit, files }) =>
    files.map((file) => ({ ...file, repo, commit })),
  );

/** Every content once, with all places where it lies. */
export function wantedFiles(parts: Parts): WantedFile[] {
  const files = Map.groupBy(filesOf(parts), ({ sha256 }) => sha256);
  return [...files].map(([sha256, places]) => ({ sha256, size: places[0]!.size, places }));
}

const SHA256 = /^[0-9a-f]{64}$/;
const COMMIT = /^[0-9a-f]{40,64}$/;
/** Within its folder, on every system. */
const PATH = /^(?!(?:.*\/)?\.{1,2}(?:\/|$))[^/\\\0:]+(?:\/[^/\\\0:]+)*$/;

/** The hub that signed may be anybody's: nothing it names lies outside of the folder that it is laid out in. */
function requireSound(source: Source): Source {
  const { repo, commit, files } = source;
  const isSound =
    PATH.test(repo) &&
    COMMIT.test(commit) &&
    files.every(
      ({ path, sha256, size }) => PATH.test(path) && SHA256.test(sha256) && Number.isSafeInteger(size) && size >= 0,
    );
  if (isSound) return source;
  throw new AppError(
    "bad_request",
    `The report names a file of ${source.repo} in a way that no hub does; leave it alone.`,
  );
}
