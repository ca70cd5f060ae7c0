import { newAccount } from "#lib/catalog/namespaces/schema.ts";
import { signUp } from "#lib/catalog/namespaces/sign-up.ts";
import { formRoute } from "#lib/http/form.ts";

export const POST = formRoute({
  page: "/join",
  schema: newAccount,
  kept: ["username", "name", "email"],
  inAddress: "invitation",
  submit: (account, request) => signUp(account, request.headers),
});
