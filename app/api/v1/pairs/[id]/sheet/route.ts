import { getSheet } from "#lib/catalog/sheets/service.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getSheet, ({ actor, params }) => getSheet(actor, params.id));
