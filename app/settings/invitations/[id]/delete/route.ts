import { z } from "zod";
import { revokeInvitation } from "#lib/auth/invitations.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/account.ts";

export const POST = formRoute({
  does: operations.revokeInvitation,
  page: "/settings",
  schema: z.object({}),
  kept: [],
  async submit({ actor, params: { id } }) {
    await revokeInvitation(actor, id!);
    return new Headers({ Location: "/settings#invitations" });
  },
});
