import { z } from "zod";
import { cancelPair } from "#lib/catalog/pairs/service.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { pathTo } from "#lib/http/path-to.ts";
import { requireId } from "../../../_page/require-id.ts";

const pageOf = (id: string): string => pathTo("pairs", id);

/** The button that stops a measurement; both ways lead back to its page. */
export const POST = formRoute({
  does: operations.cancelPair,
  page: ({ id }) => pageOf(id!),
  schema: z.object({}),
  kept: ["id"],
  async submit({ actor, params: { id } }) {
    const pair = requireId(id, "measurement");
    await cancelPair(actor, pair);
    return new Headers({ Location: pageOf(pair) });
  },
});
