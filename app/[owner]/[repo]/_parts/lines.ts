/** A file to take away, and where it is. */
export interface Remote {
  /** Of this hub, without a slash at the end. */
  readonly hub: string;
  readonly fullName: string;
  readonly revision: string;
  readonly isPrivate: boolean;
}

/** As a shell takes it for one word. */
export const quoted = (word: string): string =>
  /^[\w./:@%+=,][\w./:@%+=,-]*$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

const addressOf = ({ hub, fullName, revision }: Remote, path: string): string =>
  `${hub}/${fullName}/resolve/${encodeURIComponent(revision)}/${path.split("/").map(encodeURIComponent).join("/")}`;
const token = ({ isPrivate }: Remote): string => (isPrivate ? ' -H "Authorization: Bearer $HF_TOKEN"' : "");

/** Into the folder where one is. */
export const curlLine = (remote: Remote, path: string): string =>
  `curl -fL${token(remote)} -o ${quoted(path.split("/").at(-1)!)} ${quoted(addressOf(remote, path))}`;

/** Several files, each under its path below a folder of the repo's name. */
export const curlLines = (remote: Remote, paths: readonly string[]): string =>
  [
    `curl -fL${token(remote)} --create-dirs`,
    ...paths.map(
      (path) => `-o ${quoted(`${remote.fullName.split("/")[1]}/${path}`)} ${quoted(addressOf(remote, path))}`,
    ),
  ].join(" \\\n  ");

const atRevision = ({ revision }: Remote): string => (revision === "main" ? "" : ` --revision ${quoted(revision)}`);

export const hfLine = (remote: Remote, path: string): string =>
  `HF_ENDPOINT=${remote.hub} hf download ${remote.fullName} ${quoted(path)}${atRevision(remote)} --local-dir .`;

/** The whole repo, or what lies in a folder of it, each file under its path below a folder of the repo's name. */
export function hfFolderLine(remote: Remote, folder: string): string {
  const included = folder === "" ? "" : ` --include ${quoted(`${folder}/*`)}`;
  const target = remote.fullName.split("/")[1]!;
  return `HF_ENDPOINT=${remote.hub} hf download ${remote.fullName}${atRevision(remote)}${included} --local-dir ${target}`;
}

/** Into the cache that Python's programs for models share. */
export const pythonLines = ({ hub, fullName }: Remote): string =>
  [
    "import os",
    `os.environ["HF_ENDPOINT"] = "${hub}"`,
    "from huggingface_hub import snapshot_download",
    `folder = snapshot_download("${fullName}")`,
  ].join("\n");

export const checkLine = (path: string, sha256: string): string =>
  `echo ${quoted(`${sha256}  ${path.split("/").at(-1)!}`)} | sha256sum -c`;
