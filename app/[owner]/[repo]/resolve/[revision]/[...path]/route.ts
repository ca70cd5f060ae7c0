import { actorOf } from "#lib/auth/actor-of.ts";
import { answerDownload } from "#lib/hub/download.ts";
import * as doors from "#lib/http/doors.ts";
import { namesInAddress } from "#lib/http/names-in-address.ts";
import { answerAt } from "#lib/http/route.ts";

const download = answerAt(doors.downloadFile, async (request) =>
  answerDownload(request, await actorOf(request.headers), namesInAddress(doors.downloadFile.path, request.url)),
);

export { download as GET, download as HEAD };
