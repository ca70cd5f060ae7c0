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

export const hfLine = ({ hub, fullName, revision }: Remote, path: string): string =>
  `HF_ENDPOINT=${hub} hf download ${fullName} ${quoted(path)}${revision === "main" ? "" : ` --revision ${quoted(revision)}`} --local-dir .`;

export const checkLine = (path: string, sha256: string): string =>
  `echo ${quoted(`${sha256}  ${path.split("/").at(-1)!}`)} | sha256sum -c`;
