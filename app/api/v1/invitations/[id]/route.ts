import { revokeInvitation as revoke } from "#lib/auth/invitations.ts";
import { revokeInvitation } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";

export const DELETE = route(revokeInvitation, ({ actor, params }) => revoke(actor, params.id));
