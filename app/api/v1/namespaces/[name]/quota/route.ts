import { setQuota as set } from "#lib/catalog/quotas/service.ts";
import { setQuota } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";

export const PUT = route(setQuota, ({ actor, params, body }) => set(actor, params.name, body));
