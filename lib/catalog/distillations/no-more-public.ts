import type { ReadableRepo } from "#lib/auth/access.ts";
import { AppError } from "#lib/errors.ts";

/** A guide carries what it learned from its base. @throws forbidden where that has become private and the guide's repo has not */
export function requireNoMorePublic(
  guide: Pick<ReadableRepo, "visibility">,
  base: Pick<ReadableRepo, "visibility">,
): void {
  if (guide.visibility === "public" && base.visibility === "private")
    throw new AppError(
      "forbidden",
      "The base has become private, and a guide carries what it learned from it; make the guide's repo private, and resume.",
    );
}
