import type { WritableRepo } from "#lib/auth/access.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { linkUploads, readUploads } from "./repository.ts";

/** What a commit is made of. */
export interface VerifiedUpload {
  readonly sha256: string;
  readonly size: number;
  /** Where it was meant to go. */
  readonly path: string;
}

/** Also those that a commit has taken before, so that a commit may be sent again. @throws not_found, upload_not_ready, conflict, already_ended */
export async function takeVerified(
  transaction: Transaction,
  repo: WritableRepo,
  ids: readonly string[],
): Promise<Map<string, VerifiedUpload>> {
  const rows = new Map((await readUploads(transaction, repo.id, ids)).map((row) => [row.id, row]));
  return new Map(
    ids.map((id) => {
      const row = rows.get(id);
      if (!row)
        throw new AppError("not_found", `There is no upload ${id} to ${repo.owner}/${repo.name}; begin one.`, {
          upload: id,
        });
      const { state, sha256, path, size, problem } = row;
      if ((state === "verified" || state === "linked") && sha256 !== null) return [id, { sha256, size, path }];
      const detail = { upload: id, state };
      if (state === "hashing")
        throw new AppError("upload_not_ready", `${path} is still being read; send the commit again in a moment.`, {
          ...detail,
          retryAfter: 5,
        });
      if (state === "open" || state === "receiving")
        throw new AppError(
          "conflict",
          `The upload of ${path} is not complete; send all its parts, complete it, and wait until it is verified.`,
          detail,
        );
      throw new AppError(
        "already_ended",
        `The upload of ${path} ${problem === null ? `has ended (${state}).` : `failed: ${problem}`} Begin a new one.`,
        detail,
      );
    }),
  );
}

export const markLinked = linkUploads;
