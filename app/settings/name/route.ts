import { actorOf } from "#lib/auth/actor-of.ts";
import { renamePerson } from "#lib/auth/person.ts";
import { formRoute } from "#lib/http/form.ts";
import { updateMe } from "#lib/http/operations/account.ts";

export const POST = formRoute({
  page: "/settings",
  schema: updateMe.body!,
  kept: ["name"],
  async submit({ name }, request) {
    await renamePerson(await actorOf(request.headers), name);
    return new Headers({ Location: "/settings?done=name" });
  },
});
