import type { ForeignRecipe } from "./foreign-recipe.ts";
import { parseComfy } from "./read-comfy.ts";
import { parseInfotext } from "./read-infotext.ts";

/**
 * What the texts of another tool's PNG say, by their keys: of ComfyUI the graph, else generation parameters. Null where
 * neither is there.
 */
export function readForeign(texts: ReadonlyMap<string, string>): ForeignRecipe | null {
  const parameters = texts.get("parameters");
  const infotext = parameters === undefined ? null : parseInfotext(parameters);
  return infotext ?? parseComfy(texts.get("prompt"), texts.get("workflow"));
}

/** The tool that wrote a PNG whose texts are read by nothing here, where it is known by their keys. */
export function unreadTool(texts: ReadonlyMap<string, string>): string | null {
  if (texts.has("invokeai_metadata") || texts.has("sd-metadata") || texts.has("Dream")) return "InvokeAI";
  if (texts.has("fooocus_scheme")) return "Fooocus";
  if (texts.get("Software") === "NovelAI") return "NovelAI";
  if (texts.get("parameters")?.includes('"sui_image_params"')) return "SwarmUI";
  if (texts.has("prompt") || texts.has("workflow")) return "ComfyUI";
  return null;
}
