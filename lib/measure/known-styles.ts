import { stat } from "node:fs/promises";
import type { ModelFiles } from "#lib/diffusion/model-files.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";

/**
 * The style of weights whose training pictures were rendered, so that what they show is known and the evaluator's accuracy on them was
 * measured. By bytes: what a file or folder is called says nothing of what it draws. A style that is none of these has a name where
 * somebody gives one by hand.
 */
const styles: Readonly<Record<string, { readonly style: string; readonly bytes: number }>> = {
  a1c8a5aa707d6948b38a572a3025281c8af7f580f273726a8f96c321138ae031: { style: "storybook", bytes: 14_931_168 },
  "8ca2dbdbaabfbe867553f4adc20b1bd92150f85ecd8eb730a9423f27a3b68abf": { style: "watercolor", bytes: 14_931_168 },
  "0cfd61f27a25113f9411ff78c7e461da979a725bdf935368a169c7d7494ed15d": { style: "clay", bytes: 2_239_716 },
  b99b59f00470fca53c0f040619d27e57c4e2008cb0f45483f151f096ae85c772: { style: "neon", bytes: 2_239_716 },
  "110259edee45f6b2c6ea6b76c300648775287d922c9768cefbcb4bf73b219d21": { style: "pencil", bytes: 2_223_120 },
  f7507b5f5aed84d447243908c7521b7d25caea166fb410d964f52cec56436720: { style: "pixel", bytes: 2_239_716 },
};

/** What a model draws like: its own style, or that of the one low-rank file at the strength that it was trained at. Null where nobody knows. */
export async function knownStyle({ model, lowRank }: Pick<ModelFiles, "model" | "lowRank">): Promise<string | null> {
  const applied = lowRank.filter(({ strength }) => strength !== 0);
  const [only] = applied;
  if (model.unet.files.length !== 1 || applied.length > 1 || (only && only.strength !== 1)) return null;
  const base = await styleOf(model.unet.files[0]!.path);
  if (!only || base === null) return base;
  return base === "storybook" ? styleOf(only.file.path) : null; // which all low-rank files were trained on
}

async function styleOf(path: string): Promise<string | null> {
  const { size } = await stat(path);
  if (!Object.values(styles).some(({ bytes }) => bytes === size)) return null; // spares reading gigabytes
  return styles[await sha256OfFile(path)]?.style ?? null;
}
