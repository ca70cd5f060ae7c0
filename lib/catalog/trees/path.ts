import { AppError } from "#lib/errors.ts";
import { deceitInName } from "#lib/util/deceptive.ts";
import { utf8Length } from "#lib/util/utf8-length.ts";

declare const isPath: unique symbol;

/** Where a file lies in a repo: “unet/config.json”. Only `parsePath` makes one. */
export type FilePath = string & { readonly [isPath]: true };

const MAX_PATH_BYTES = 1024;
const MAX_SEGMENT_BYTES = 255; // what a file name may have on the usual disks
export const MAX_FOLDERS = 32; // one in another; models have three or four

/**
 * The one grammar of paths. A path is data and never a place on our disk; it is strict so that whoever downloads the repo, onto
 * whatever disk, gets these files and no others.
 *
 * @throws bad_request, which says the rule and what to do
 */
export function parsePath(text: string): FilePath {
  const refuse = (rule: string, sentence: string): never => {
    throw new AppError(
      "bad_request",
      `The path “${text.length > 100 ? `${text.slice(0, 100)}…` : text}” cannot be used: ${sentence}`,
      { path: text.slice(0, MAX_PATH_BYTES), rule },
    );
  };
  if (text === "") refuse("empty", "it is empty; name a file, like unet/config.json.");
  if (utf8Length(text) > MAX_PATH_BYTES)
    refuse("path_length", `it is longer than ${MAX_PATH_BYTES} bytes; choose shorter names.`);
  if (!text.isWellFormed()) refuse("unicode", "it holds half of a character; write it as valid Unicode.");
  if (text !== text.normalize("NFC"))
    refuse("normal_form", "its letters are not in composed form; normalise it to Unicode NFC.");
  for (const [rule, pattern, sentence] of characterRules) if (pattern.test(text)) refuse(rule, sentence);
  for (const segment of text.split("/")) {
    for (const [rule, isBroken, sentence] of segmentRules) if (isBroken(segment)) refuse(rule, sentence);
  }
  return text as FilePath;
}

const characterRules: readonly (readonly [rule: string, pattern: RegExp, sentence: string])[] = [
  ["control", /[\p{Cc}\p{Zl}\p{Zp}]/u, "it holds a control character or a line break; leave it out."],
  [
    "invisible",
    /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u,
    "it holds a character that is invisible or turns the direction of text; leave it out.",
  ],
  ["backslash", /\\/, "it holds a backslash; part folders with / instead."],
  ["colon", /:/, "it holds a colon, which is a drive or a stream on Windows; use another character."],
  [
    "look_alike",
    /[\u2044\u2215\u2216\u29f5\u29f8\ufe68\uff0f\uff3c]/,
    "it holds a character that only looks like a slash; use / between folders, or another character.",
  ],
  [
    "escape",
    /%(?:0|1|2e|2f|5c|25|7f)/i,
    "it holds an escape like %2e, which some programs would turn into a dot, a slash or a control character; write the character itself.",
  ],
];

const segmentRules: readonly (readonly [rule: string, isBroken: (segment: string) => boolean, sentence: string])[] = [
  [
    "segment_empty",
    (segment) => segment === "",
    "it begins or ends with / or has two in a row; write folders and file with one / between them.",
  ],
  [
    "dots",
    (segment) => /^\.{1,2}$/.test(segment.normalize("NFKC")),
    "it holds “.” or “..” as a name; write the path from the top of the repo, without them.",
  ],
  [
    "segment_length",
    (segment) => utf8Length(segment) > MAX_SEGMENT_BYTES,
    `one of its names is longer than ${MAX_SEGMENT_BYTES} bytes; choose a shorter one.`,
  ],
  [
    "hyphen",
    (segment) => segment.startsWith("-"),
    "one of its names begins with a hyphen, which commands take for an option; begin it otherwise.",
  ],
  [
    "trailing",
    (segment) => /[.\p{Zs}]$/u.test(segment),
    "one of its names ends with a dot or a space, which Windows drops; end it otherwise.",
  ],
  // COM¹ counts as well, and an extension changes nothing: NUL.txt is the null device.
  [
    "device",
    (segment) => /^(?:con|prn|aux|nul|conin\$|conout\$|com\d|lpt\d) *(?:\.|$)/i.test(segment.normalize("NFKC")),
    "one of its names is a device on Windows; rename it.",
  ],
  [
    "git",
    (segment) => /^(?:\.git|git~\d)$/i.test(segment),
    "one of its names is .git, which holds commands that git runs; leave that folder out.",
  ],
];

/** The path of a file that is to be there: not as deep as those that are there already may be. @throws bad_request */
export function parseNewPath(text: string): FilePath {
  const path = parsePath(text);
  const deceit = deceitInName(path);
  if (deceit !== null)
    throw new AppError("bad_request", `The path “${path}” cannot be used: it ${deceit}; name it otherwise.`, {
      path,
      rule: "deceit",
    });
  const folders = path.split("/").length - 1;
  if (folders <= MAX_FOLDERS) return path;
  throw new AppError(
    "bad_request",
    `The path “${text.slice(0, 100)}${text.length > 100 ? "…" : ""}” cannot be used: it lies in ${folders} folders, and ${MAX_FOLDERS} may lie in each other; put it higher up.`,
    { path, rule: "depth", folders, limit: MAX_FOLDERS },
  );
}
