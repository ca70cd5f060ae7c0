import { distillationMetrics } from "#lib/catalog/distillations/views.ts";
import { csvFile } from "#lib/http/csv-file.ts";
import { getDistillationMetrics } from "#lib/http/operations/distillations.ts";
import { route } from "#lib/http/route.ts";
import { csvLine } from "#lib/util/csv.ts";

export const GET = route(getDistillationMetrics, async ({ actor, params }) => {
  const { name, losses, looks } = await distillationMetrics(actor, params.id);
  const heldOut = new Map(looks.map((look) => [look.step, look]));
  const lines = losses.map(({ step, value }) => {
    const look = heldOut.get(step);
    return csvLine([step, value, look?.fvu ?? null, look?.delivered ?? null, look?.cosine ?? null]);
  });
  return csvFile(`${name}-metrics`, csvLine(["step", "loss", "unexplained", "delivered", "cosine"]) + lines.join(""));
});
