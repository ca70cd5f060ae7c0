import { createInvitation as create, listInvitations as list } from "#lib/auth/invitations.ts";
import { createInvitation, listInvitations } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(listInvitations, async ({ actor }) => ({ items: await list(actor), next: null }));
export const POST = route(createInvitation, ({ actor, body }) => create(actor, body));
