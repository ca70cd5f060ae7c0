import { z } from "zod";
import { changePassword } from "#lib/auth/password.ts";
import { givenPassword, newPassword } from "#lib/auth/schema.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/account.ts";

export const POST = formRoute({
  does: operations.changePassword,
  page: "/settings",
  schema: z
    .object({ current: givenPassword, new: newPassword, revokeTokens: z.string().optional() })
    .transform(({ revokeTokens, ...rest }) => ({ ...rest, revokeTokens: revokeTokens !== undefined })), // a box that is not ticked is not sent
  kept: [],
  async submit({ actor, input, request }) {
    const cookies = await changePassword(actor, input, request.headers);
    cookies.set("Location", "/settings?done=password");
    return cookies;
  },
});
