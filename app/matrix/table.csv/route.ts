import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { actorOf } from "#lib/auth/actor-of.ts";
import { matrix } from "#lib/catalog/pairs/matrix.ts";
import type { Matrix } from "#lib/catalog/pairs/schema.ts";
import { fullName, toRepoName } from "#lib/catalog/repo-name.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { csvFile } from "#lib/http/csv-file.ts";
import { getMatrixTable } from "#lib/http/doors.ts";
import { answerAt } from "#lib/http/route.ts";
import { csvLine } from "#lib/util/csv.ts";
import { csvHead, csvLines } from "../words.ts";

const PAGE = 100;

/** All of a table, not only the page that is shown; read as it is sent, so that a large family does not lie in memory. */
export const GET = answerAt(getMatrixTable, async (request) => {
  const base = fullName.safeParse(new URL(request.url).searchParams.get("base"));
  if (!base.success) throw new AppError("bad_request", "Say of which base: ?base=owner/repo.", { field: "base" });
  const actor = await actorOf(request.headers);
  const name = toRepoName(base.data);
  const first = await matrix(actor, name, { limit: PAGE });
  const body = Readable.toWeb(
    Readable.from(lines(first, (cursor) => matrix(actor, name, { cursor, limit: PAGE }))),
  ) as NodeReadableStream as ReadableStream;
  return csvFile(`${name.repo}-guides`, body);
});

async function* lines(first: Matrix, more: (cursor: string) => Promise<Matrix>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  yield encoder.encode(csvLine(csvHead));
  for (let page = first; ; page = await more(page.next)) {
    yield encoder.encode(csvLines(page, env().publicUrl));
    if (page.next === null) return;
  }
}
