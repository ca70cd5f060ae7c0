import { z } from "zod";
import { requestEnvelope } from "#lib/catalog/pairs/study-service.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { pathTo } from "#lib/http/path-to.ts";
import { requireId } from "../../../_page/require-id.ts";

const pageOf = (id: string): string => pathTo("pairs", id);

/** The button that asks where a guide is at its best; both ways lead back to its page. */
export const POST = formRoute({
  does: operations.requestEnvelope,
  page: ({ id }) => pageOf(id!),
  schema: z.object({}),
  kept: ["id"],
  async submit({ actor, params: { id } }) {
    const pair = requireId(id, "measurement");
    await requestEnvelope(actor, pair);
    return new Headers({ Location: `${pageOf(pair)}#envelope` });
  },
});
