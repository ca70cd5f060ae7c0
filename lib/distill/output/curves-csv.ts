import { type CsvCell, csvLine } from "#lib/util/csv.ts";
import { ratesAt } from "../rates.ts";
import type { Recipe } from "../recipe.ts";
import type { History } from "../run/history.ts";

/** A line for each step; what was held out has figures where it was looked at. */
export function curvesCsv({ losses, gradientNorms, heldOut }: History, recipe: Recipe): string {
  const looks = new Map(heldOut.map((look) => [look.step, look]));
  const lines = losses.map((loss, i): CsvCell[] => {
    const look = looks.get(i + 1);
    const rate = ratesAt(i, recipe.training).learningRate;
    return [i + 1, loss, gradientNorms[i]!, rate, look?.fvu ?? null, look?.delivered ?? null, look?.cosine ?? null];
  });
  const head = ["step", "loss", "gradient norm", "learning rate", "unexplained", "delivered", "cosine"];
  return [head, ...lines].map(csvLine).join("");
}
