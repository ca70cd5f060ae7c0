import { z } from "zod";
import { newAccount } from "#lib/catalog/namespaces/schema.ts";
import { signUp } from "#lib/catalog/namespaces/sign-up.ts";
import { formRoute } from "#lib/http/form.ts";
import { nextPage } from "#lib/http/next-page.ts";
import { createAccount } from "#lib/http/operations/account.ts";

export const POST = formRoute({
  does: createAccount,
  page: "/join",
  schema: newAccount.extend({ next: z.string().optional() }),
  kept: ["username", "name", "email"],
  inAddress: ["invitation", "next"],
  async submit({ input: { next: wish, ...account }, request }) {
    const cookies = await signUp(account, request.headers);
    const next = nextPage(wish);
    if (next) cookies.set("Location", next);
    return cookies;
  },
});
