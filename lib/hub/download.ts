import { requireRead } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { isCounted } from "#lib/catalog/files/downloads.ts";
import { downloadFile, type FileAddress } from "#lib/http/download.ts";
import { pairingWarning } from "./pairing-warning.ts";

/** A file for whoever asks: a client of the Hub asks with HEAD first, and is then told what was measured. @throws what downloadFile throws */
export async function answerDownload(request: Request, actor: Actor, address: FileAddress): Promise<Response> {
  const response = await downloadFile(request, actor, address);
  if (request.method !== "HEAD" || !isCounted(address.path)) return response;
  const warning = await pairingWarning(actor, await requireRead(actor, address));
  for (const [name, value] of Object.entries(warning)) response.headers.set(name, value);
  return response;
}
