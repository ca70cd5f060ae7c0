import { AppError } from "#lib/errors.ts";

/** Where and as whom PostgreSQL was to run: `how` as in PostgresIdentity. */
export interface PostgresPlace {
  readonly folder: string;
  readonly how: string;
}

/** What Node, initdb or PostgreSQL say when a start fails, and the sentence that we say instead. The first match counts. */
const known: readonly (readonly [said: RegExp, sentence: (place: PostgresPlace) => string])[] = [
  [
    /spawn .{1,200} EACCES/,
    ({ how }) =>
      `PostgreSQL runs here ${how} and cannot reach its programs in node_modules; move the project to a folder that others may enter, or start as an ordinary user.`,
  ],
  [
    /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/,
    ({ folder }) => `The disk of ${folder} is full; free at least 100 MB, or point GUIDEPOST_DATA at another disk.`,
  ],
  [
    /EROFS|Read-only file system/,
    ({ folder }) => `${folder} is on a read-only disk; point GUIDEPOST_DATA at a folder that can be written.`,
  ],
  [
    /EACCES|EPERM|Permission denied|wrong ownership/,
    ({ folder, how }) =>
      `PostgreSQL runs here ${how} and may not write ${folder}; give it that folder, or point GUIDEPOST_DATA at another.`,
  ],
  [
    /ENOTDIR|EEXIST/,
    ({ folder }) => `${folder} is a file, not a folder; move it away, or point GUIDEPOST_DATA elsewhere.`,
  ],
  [
    /could not look up effective user ID/,
    () =>
      "PostgreSQL needs an entry for this user in /etc/passwd; add one, or set DATABASE_URL to a PostgreSQL of your own.",
  ],
  [
    /(?:\.pid|\.lock)" already exists/,
    ({ folder }) => `${folder} is in use by another PostgreSQL; stop that one, or point GUIDEPOST_DATA elsewhere.`,
  ],
  [
    /incompatible with server/,
    ({ folder }) =>
      `${folder} was made by another version of PostgreSQL; start the Guidepost that made it, or point GUIDEPOST_DATA at a new folder.`,
  ],
  [
    /password authentication failed/,
    ({ folder }) =>
      `${folder}/cluster/password is not the password this database was made with; put the old file back.`,
  ],
  [
    /Cannot allocate memory|could not create shared memory/,
    () => "There is not enough free memory for PostgreSQL (about 200 MB); free some and start again.",
  ],
];

/** `said` is an error, or what was printed. `doing` completes “PostgreSQL failed while …” when nothing known fits. */
export function postgresFailure(doing: string, place: PostgresPlace, said: unknown): AppError {
  if (said instanceof AppError) return said;
  const text = said instanceof Error ? said.message : String(said);
  const lines = text.trim().split("\n");
  const telling = lines.findLast((line) => /FATAL|PANIC|error:/.test(line)) ?? lines.at(-1);
  const sentence =
    known.find(([pattern]) => pattern.test(text))?.[1](place) ??
    `PostgreSQL failed while ${doing} (${telling}); ${place.folder}/log has the rest.`;
  return new AppError(
    "internal",
    sentence,
    { ...place, said: text.slice(-4000) },
    said instanceof Error ? said : undefined,
  );
}
