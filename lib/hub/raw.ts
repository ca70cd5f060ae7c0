import { Readable } from "node:stream";
import { requireRead } from "#lib/auth/access.ts";
import { findFile } from "#lib/catalog/files/service.ts";
import { downloadFile } from "#lib/http/download.ts";
import { sendBytes } from "#lib/http/send-bytes.ts";
import type { HubCall } from "./hub-route.ts";
import { gitSha1Of, pointerOf } from "./pointer.ts";
import type { hubRaw } from "./reading-doors.ts";

/** A file as git has it: of one that git itself does not keep, the text that stands in its place. @throws what downloadFile throws */
export async function answerRaw({ request, actor, names }: HubCall<(typeof hubRaw)["path"]>): Promise<Response> {
  const { revision, path, ...name } = names;
  const file = await findFile(await requireRead(actor, name), revision, path);
  if (!file.lfs) return downloadFile(request, actor, names);
  const pointer = Buffer.from(pointerOf(file));
  return sendBytes(
    request,
    {
      size: pointer.byteLength,
      tag: gitSha1Of(pointer.toString()),
      fileName: path.slice(path.lastIndexOf("/") + 1),
      contentType: "text/plain; charset=utf-8",
      disposition: "attachment",
      headers: { "X-Repo-Commit": file.commitId },
      right: null,
    },
    async ({ begin, end }) => Readable.from([pointer.subarray(begin, end)]),
  );
}
