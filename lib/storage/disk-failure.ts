import { AppError } from "#lib/errors.ts";

/** What anybody is told of a store that its operator has to look after; the log has the reason, with its place. */
export const CANNOT_BE_USED =
  "The hub's store cannot be used at the moment; nothing was lost. Its operator finds the reason in the log; try again later.";

/** What the file system says when it cannot write or read a folder of ours, in our words; anything else as it came. */
export function diskFailure(folder: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  const unavailable = (toOperator: string): AppError =>
    new AppError("storage_unavailable", CANNOT_BE_USED, { said: code }, cause, toOperator);
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return diskFull(folder, cause);
    case "EROFS":
      return unavailable(`${folder} is on a read-only disk; point GUIDEPOST_DATA at a folder that can be written.`);
    case "EACCES":
    case "EPERM":
      return unavailable(
        `The hub may not use ${folder}; give that folder to the user that runs it, or point GUIDEPOST_DATA at another.`,
      );
    case "ENOTDIR":
    case "EEXIST":
      return unavailable(
        `${folder}, or something in it, is a file where a folder must be; move it away, or point GUIDEPOST_DATA elsewhere.`,
      );
    case "EMFILE":
    case "ENFILE":
      return unavailable(
        "The hub has too many files open; try again in a moment, and raise the limit (ulimit -n) if it stays.",
      );
    case "EIO":
    case "ESTALE":
      return unavailable(`The disk of ${folder} fails (${code}); its operator has to look at it.`);
    default:
      return cause;
  }
}

export const diskFull = (folder: string, cause?: unknown): AppError =>
  new AppError(
    "disk_full",
    "The hub's disk is full; its operator has to free some space. Nothing was lost, and downloads go on.",
    { retryAfter: 60 },
    cause,
    `The disk of ${folder} is full; free some space. Nothing was lost, and downloads go on.`,
  );
