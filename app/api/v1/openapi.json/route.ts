import { getOpenApi } from "#lib/http/operations/hub.ts";
import { route } from "#lib/http/route.ts";
import { thisOpenApi } from "#lib/http/this-openapi.ts";

let text: string | undefined;

export const GET = route(getOpenApi, async () => {
  text ??= JSON.stringify(thisOpenApi());
  return new Response(text, { headers: { "Content-Type": "application/json" } });
});
