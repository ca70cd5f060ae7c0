import { renamePerson } from "#lib/auth/person.ts";
import { formRoute } from "#lib/http/form.ts";
import { updateMe } from "#lib/http/operations/account.ts";

export const POST = formRoute({
  does: updateMe,
  page: "/settings",
  schema: updateMe.body!,
  kept: ["name"],
  async submit({ actor, input: { name } }) {
    await renamePerson(actor, name);
    return new Headers({ Location: "/settings?done=name" });
  },
});
