import { z } from "zod";
import { deleteToken } from "#lib/auth/token.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/account.ts";

export const POST = formRoute({
  does: operations.deleteToken,
  page: "/settings",
  schema: z.object({}),
  kept: [],
  async submit({ actor, params: { id } }) {
    await deleteToken(actor, id!);
    return new Headers({ Location: "/settings?done=token#tokens" });
  },
});
