import { AppError } from "#lib/errors.ts";
import type { Door } from "#lib/http/door.ts";
import { answerAt } from "#lib/http/route.ts";

/**
 * What this hub has not, said so that a program reads it: a page in its place would be taken for the answer. A client of the Hub that
 * asks for a model without an owner, as there are a few on huggingface.co, is told that there is none of that name.
 */
export const notHere = (door: Door) =>
  answerAt(door, async (request) => {
    const { pathname } = new URL(request.url);
    const [, , area = "", name = "", what] = pathname.split("/");
    if (area === "v1")
      throw new AppError(
        "not_found",
        `There is no ${pathname} in this API; /api/v1/openapi.json names all that there is.`,
      );
    if (area === "models" && (what === undefined || underRepo.has(what)))
      throw new AppError("repo_not_found", `A model is named like owner/repo, and “${name}” is not; name its owner.`);
    throw new AppError(
      "not_implemented",
      `This hub does not have ${request.method} ${pathname}; docs/hub-protocol.md says what it has of the Hub's protocol.`,
    );
  });

const underRepo: ReadonlySet<string> = new Set(["revision", "tree", "paths-info", "refs", "commits"]);
