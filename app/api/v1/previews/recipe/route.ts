import { openRecipe } from "#lib/catalog/recipes/service.ts";
import * as operations from "#lib/http/operations/previews.ts";
import { route } from "#lib/http/route.ts";

export const POST = route(operations.openRecipe, ({ actor, body }) => openRecipe(actor, body));
