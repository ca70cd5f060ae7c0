import { removeMember as remove, setMember as set } from "#lib/catalog/namespaces/service.ts";
import { removeMember, setMember } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";

export const PUT = route(setMember, ({ actor, params, body }) => set(actor, params.name, params.username, body.role));
export const DELETE = route(removeMember, ({ actor, params }) => remove(actor, params.name, params.username));
