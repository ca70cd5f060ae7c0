import { actorOf } from "#lib/auth/actor-of.ts";
import * as doors from "#lib/http/doors.ts";
import { downloadFile } from "#lib/http/download.ts";
import { namesInAddress } from "#lib/http/names-in-address.ts";
import { answerAt } from "#lib/http/route.ts";

const download = answerAt(doors.downloadFile, async (request) =>
  downloadFile(request, await actorOf(request.headers), namesInAddress(doors.downloadFile.path, request.url)),
);

export { download as GET, download as HEAD };
