import { env } from "#lib/env.ts";
import { toOpenApi } from "#lib/http/openapi.ts";
import { operations } from "#lib/http/operations/all.ts";
import { getOpenApi } from "#lib/http/operations/hub.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(getOpenApi, async () => toOpenApi(operations, env().publicUrl));
