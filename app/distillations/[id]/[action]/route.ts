import { z } from "zod";
import { cancelDistillation, pauseDistillation, resumeDistillation } from "#lib/catalog/distillations/service.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/distillations.ts";
import { pathTo } from "#lib/http/path-to.ts";
import { requireId } from "../../../_page/require-id.ts";

const actions = { pause: pauseDistillation, resume: resumeDistillation, cancel: cancelDistillation };

/** The buttons of a distillation; all of them lead back to its page. */
export const POST = formRoute({
  does: {
    pause: operations.pauseDistillation,
    resume: operations.resumeDistillation,
    cancel: operations.cancelDistillation,
  },
  page: ({ id }) => pathTo("distillations", id!),
  schema: z.object({}),
  kept: [],
  async submit({ actor, params: { id, action } }) {
    const own = requireId(id, "distillation");
    await actions[action as keyof typeof actions](actor, own);
    return new Headers({ Location: pathTo("distillations", own) });
  },
});
