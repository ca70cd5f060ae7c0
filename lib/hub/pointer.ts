import { createHash } from "node:crypto";

/** Some contents, as git-lfs names them. */
interface Content {
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
}

/** The text that stands in git for a content that git itself does not keep (git-lfs, docs/spec.md). */
export const pointerOf = ({ sha256, size }: Content): string =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${size}\n`;

/** What git calls a file of this text. */
export const gitSha1Of = (text: string): string =>
  createHash("sha1")
    .update(`blob ${Buffer.byteLength(text)}\0`)
    .update(text)
    .digest("hex");
