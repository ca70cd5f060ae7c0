import { z } from "zod";
import { scopes } from "#lib/auth/actor.ts";
import { createToken } from "#lib/auth/token.ts";
import { env } from "#lib/env.ts";
import { formRoute } from "#lib/http/form.ts";
import { createToken as operation } from "#lib/http/operations/account.ts";
import { secretPage } from "../_parts/secret-page.ts";
import { tokenWords } from "../_parts/secret-words.ts";

/** A box that is not ticked is not sent. */
const form = z
  .object({
    token: z.string().trim(),
    days: z.string().default(""),
    ...Object.fromEntries(scopes.map((scope) => [scope, z.string().optional()])),
  })
  .transform(({ token, days, ...boxes }): z.input<NonNullable<typeof operation.body>> => ({
    name: token,
    scopes: scopes.filter((scope) => (boxes as Record<string, unknown>)[scope] !== undefined),
    ...(days !== "" && { expiresInDays: Number(days) }),
  }));

export const POST = formRoute({
  does: operation,
  page: "/settings",
  schema: form.pipe(operation.body!),
  kept: ["token"],
  async submit({ actor, input }) {
    const { secret } = await createToken(actor, input);
    return secretPage(tokenWords(env().publicUrl, secret));
  },
});
