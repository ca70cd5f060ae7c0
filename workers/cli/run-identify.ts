import { kinds } from "#lib/catalog/kinds.ts";
import { verdictInWords } from "#lib/catalog/verdict.ts";
import { AppError } from "#lib/errors.ts";
import { withArticle } from "#lib/util/with-article.ts";
import { askAbout, type Known } from "#workers/identify/ask-about.ts";
import { hashedFiles, type LocalFile } from "#workers/identify/local-files.ts";
import { progressLine } from "./progress.ts";
import { say } from "./say.ts";

export async function runIdentify(
  place: string,
  {
    hub = process.env["HF_ENDPOINT"] || "http://localhost:3000",
    json,
  }: { readonly hub?: string; readonly json: boolean },
): Promise<void> {
  const url = URL.parse(hub);
  if (!url) throw new AppError("bad_request", `${hub} is no address; give one like http://localhost:3000 with --hub.`);
  const files: LocalFile[] = [];
  const line = progressLine();
  for await (const { path, sha256, of } of hashedFiles(place)) {
    files.push({ path, sha256 });
    line.show({ stage: path, done: files.length, total: of });
  }
  line.clear();
  const token = process.env["HF_TOKEN"] || undefined;
  const known = await askAbout(
    { url, token },
    files.map(({ sha256 }) => sha256),
  );
  const found = files.map((file) => ({ ...file, known: known.get(file.sha256) ?? null }));
  say(json, { hub: url.origin, files: found }, () =>
    found.length === 0
      ? ["There is no file of weights in that folder."]
      : found.map(({ path, known }) => `${path}: ${known ? describe(known) : `not on ${url.host}`}`),
  );
}

function describe({ repo, path, isHead, kind, partners }: Known): string {
  const where = `${withArticle(kinds[kind].name)}, ${path} of ${repo}${isHead ? "" : ", in an older version"}`;
  if (partners.length === 0) return where;
  const each = partners.map(({ repo, verdict }) => `${repo} (${verdictInWords(verdict)})`);
  return `${where}; measured with ${each.join(", ")}`;
}
