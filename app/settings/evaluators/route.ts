import { evaluatorForm } from "#lib/catalog/evaluators/schema.ts";
import { installEvaluator } from "#lib/catalog/evaluators/service.ts";
import { AppError } from "#lib/errors.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/hub.ts";

export const POST = formRoute({
  does: operations.installEvaluator,
  page: "/settings",
  schema: evaluatorForm,
  kept: ["evaluator", "bases"],
  async submit({ actor, input }) {
    await installEvaluator(actor, input).catch((cause: unknown) => {
      if (!(cause instanceof AppError)) throw cause;
      const field = cause.detail["field"] === "bases" ? "bases" : "evaluator";
      throw new AppError(cause.code, cause.message, { ...cause.detail, field }, cause);
    });
    return new Headers({ Location: "/settings?done=evaluator#evaluators" });
  },
});
