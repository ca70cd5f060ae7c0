import { quotaForm } from "#lib/catalog/quotas/schema.ts";
import { setQuota } from "#lib/catalog/quotas/service.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/account.ts";
import { pathTo } from "#lib/http/path-to.ts";

const pageOf = (name: string): string => pathTo("settings", "quotas", name);

/** Sets what a person or an organisation may have. */
export const POST = formRoute({
  does: operations.setQuota,
  page: ({ name }) => pageOf(name!),
  schema: quotaForm,
  kept: ["bytes", "files", "repos", "jobs", "deviceSeconds"],
  async submit({ actor, input, params: { name } }) {
    await setQuota(actor, name!, input);
    return new Headers({ Location: `${pageOf(name!)}?done=set` });
  },
});
