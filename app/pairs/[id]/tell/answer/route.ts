import { addressOf } from "#lib/auth/throttle.ts";
import { newAnswer } from "#lib/catalog/comparisons/schema.ts";
import { answerComparison } from "#lib/catalog/comparisons/service.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { pathTo } from "#lib/http/path-to.ts";
import { requireId } from "../../../../_page/require-id.ts";

const pageOf = (id: string): string => pathTo("pairs", id, "tell");

/** One of the three buttons below two pictures; leads to the next two. */
export const POST = formRoute({
  does: operations.answerComparison,
  page: ({ id }) => pageOf(id!),
  schema: newAnswer,
  kept: [],
  async submit({ actor, input, params: { id }, request }) {
    const pair = requireId(id, "measurement");
    await answerComparison({ actor, address: addressOf(request.headers) }, pair, input);
    return new Headers({ Location: `${pageOf(pair)}?said=${input.answer}` });
  },
});
