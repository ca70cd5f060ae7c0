import { receivePart, sendObject } from "#lib/http/disk-objects.ts";
import { getObject, putPart } from "#lib/http/doors.ts";
import { answerAt } from "#lib/http/route.ts";

const keyOf = ({ path }: { readonly path?: string | string[] | undefined }): string =>
  Array.isArray(path) ? path.join("/") : "";

/** The addresses that the disk store signs; who holds one may use it, and nobody else. */
export const PUT = answerAt(putPart, (request, params) => receivePart(request, keyOf(params)));
export const GET = answerAt(getObject, (request, params) => sendObject(request, keyOf(params)));
export const HEAD = GET;
