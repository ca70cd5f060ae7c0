import { requirePerson } from "#lib/auth/access.ts";
import { distillationForm, toNewDistillation } from "#lib/catalog/distillations/form.ts";
import { createDistillation } from "#lib/catalog/distillations/service.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/distillations.ts";

/** The button that begins. */
export const POST = formRoute({
  does: operations.createDistillation,
  page: "/distillations/new",
  schema: distillationForm,
  kept: ["name", "visibility", "kind", "share", "low", "high", "steps", "batch", "trajectories"],
  inAddress: "base",
  async submit({ actor, input }) {
    const { name } = requirePerson(actor, "run");
    const { id } = await createDistillation(actor, toNewDistillation(input, name));
    return new Headers({ Location: `/distillations/${id}` });
  },
});
