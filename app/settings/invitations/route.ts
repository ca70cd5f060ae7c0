import { z } from "zod";
import { createInvitation } from "#lib/auth/invitations.ts";
import { formRoute } from "#lib/http/form.ts";
import { createInvitation as operation } from "#lib/http/operations/account.ts";
import { secretPage } from "../_parts/secret-page.ts";
import { invitationWords } from "../_parts/secret-words.ts";

const form = z
  .object({ email: z.string().trim().default(""), hours: z.string().default("72") })
  .transform(({ email, hours }): z.input<NonNullable<typeof operation.body>> => ({
    expiresInHours: Number(hours),
    ...(email !== "" && { email }),
  }));

export const POST = formRoute({
  does: operation,
  page: "/settings",
  schema: form.pipe(operation.body!),
  kept: ["email"],
  async submit({ actor, input }) {
    const { url } = await createInvitation(actor, input);
    return secretPage(invitationWords(url));
  },
});
