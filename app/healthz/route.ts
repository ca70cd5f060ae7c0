import { behind } from "#lib/http/door.ts";
import { getHealth } from "#lib/http/operations/hub.ts";
import { version } from "#lib/version.ts";

/** Never asks database or store: whoever restarts processes that are not alive would restart this one for nothing. */
export const GET = behind([getHealth], (): Response =>
  Response.json({ alive: true, version }, { status: getHealth.status, headers: { "Cache-Control": "no-store" } }),
);

export const dynamic = "force-dynamic";
