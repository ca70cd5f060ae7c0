import { z } from "zod";
import { actorOf } from "#lib/auth/actor-of.ts";
import { changePassword } from "#lib/auth/password.ts";
import { givenPassword, newPassword } from "#lib/auth/schema.ts";
import { formRoute } from "#lib/http/form.ts";

export const POST = formRoute({
  page: "/settings",
  schema: z.object({ current: givenPassword, new: newPassword }),
  kept: [],
  async submit(change, request) {
    const cookies = await changePassword(await actorOf(request.headers), change, request.headers);
    cookies.set("Location", "/settings?done=password");
    return cookies;
  },
});
