import { actorOf } from "#lib/auth/actor-of.ts";
import { AppError } from "#lib/errors.ts";
import * as doors from "#lib/http/doors.ts";
import { downloadFile, type FileAddress } from "#lib/http/download.ts";
import { answerAt } from "#lib/http/route.ts";

const download = answerAt(doors.downloadFile, async (request) =>
  downloadFile(request, await actorOf(request.headers), parseAddress(request.url)),
);

export { download as GET, download as HEAD };

/** Each segment is decoded once, after the address was taken apart: an escaped slash belongs to the name of a branch. */
function parseAddress(url: string): FileAddress {
  try {
    const [owner, repo, , revision, ...path] = new URL(url).pathname.slice(1).split("/").map(decodeURIComponent) as [
      string,
      string,
      string,
      string,
      ...string[],
    ];
    return { owner, repo, revision, path: path.join("/") };
  } catch (cause) {
    throw new AppError(
      "bad_request",
      "The address holds an escape that is not UTF-8; encode it with percent signs again.",
      {},
      cause,
    );
  }
}
