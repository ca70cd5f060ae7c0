import { toInfotext } from "./infotext.ts";
import { type Recipe, serialiseRecipe } from "./recipe.ts";

/** What a PNG carries: the recipe as other tools read it, and exactly. */
export const recipeText = (recipe: Recipe): Map<string, string> =>
  new Map([
    ["parameters", toInfotext(recipe)],
    ["guidepost", serialiseRecipe(recipe)],
  ]);
