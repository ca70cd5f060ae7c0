import type { PreviewView } from "#lib/catalog/previews/schema.ts";
import { samplerLabels } from "#lib/sampler-names.ts";
import { Facts } from "../../_ui/facts.tsx";
import { Hash } from "../../_ui/hash.tsx";
import { Table } from "../../_ui/table.tsx";

const roles = {
  checkpoint: "checkpoint",
  unet: "UNet",
  textEncoder: "text encoder",
  vae: "VAE",
  tokenizer: "tokenizer",
  schedule: "schedule",
  guide: "guide",
  lora: "LoRA",
  embedding: "learned word",
  config: "configuration",
} as const;
/** Weights first: they are what a picture can be traced by. */
const order = Object.keys(roles);

/** All that made the pictures: who has the same files and runtime makes the same ones. */
export function RecipeTable({ preview }: { readonly preview: PreviewView }) {
  const recipes = preview.pictures.flatMap(({ recipe }) => recipe ?? []);
  const files = [
    ...new Map(
      recipes.flatMap((recipe) => recipe.files).map((file) => [`${file.role} ${file.name} ${file.sha256}`, file]),
    ).values(),
  ].toSorted((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
  const runtime = recipes[0]?.runtime;
  const { finetune, guide, sampler, promptSyntax, clipSkip, guidanceRescale, guideStrength, loraStrength } = preview;
  return (
    <section aria-labelledby="recipe" className="mt-12">
      <h2 id="recipe" className="text-title">
        Recipe
      </h2>
      <p className="mt-1 max-w-[72ch] text-quiet">
        Everything that made these pictures. The same files with the same seed on the same runtime make the same pixels.
      </p>
      <div className="mt-4 grid items-start gap-x-12 gap-y-6 lg:grid-cols-2">
        <Facts
          facts={[
            [
              "Model",
              <>
                <a href={`/${finetune.repo}`}>{finetune.repo}</a> at{" "}
                <a href={`/${finetune.repo}/tree/${finetune.commit}`}>{finetune.commit.slice(0, 12)}</a>
              </>,
            ],
            [
              "Guide",
              guide ? (
                <>
                  <a href={`/${guide.repo}`}>{guide.repo}</a> at{" "}
                  <a href={`/${guide.repo}/tree/${guide.commit}`}>{guide.commit.slice(0, 12)}</a>
                </>
              ) : (
                "none"
              ),
            ],
            ["Seed", preview.seed],
            ["Steps", `${preview.steps} of ${samplerLabels[sampler]}`],
            ["Guidance", preview.guidanceScale],
            ...(guidanceRescale > 0 ? [["Guidance rescale", guidanceRescale] as const] : []),
            ["CFG steps", preview.cfgSteps],
            ...(guideStrength !== 1 ? [["Guide strength", guideStrength] as const] : []),
            ["Negative prompt", preview.negativePrompt ?? "none"],
            ...(promptSyntax === "a1111" ? [["Prompts are read", "in the syntax of A1111"] as const] : []),
            ...(clipSkip > 0 ? [["Text layers left out", clipSkip] as const] : []),
            ...(loraStrength !== 1 ? [["LoRA strength", loraStrength] as const] : []),
          ]}
        />
        {runtime && (
          <Facts
            facts={[
              ["Guidepost", recipes[0]!.guidepost],
              ["Runtime", `${runtime.name} ${runtime.version}`],
              ["On", `${runtime.provider}, ${runtime.threads} threads`],
              ["CFG as", runtime.cfg],
              ["Size", `${recipes[0]!.width} × ${recipes[0]!.height} pixels`],
            ]}
          />
        )}
      </div>
      {files.length > 0 && (
        <details className="mt-6">
          <summary className="font-medium">{files.length} files, with their hashes</summary>
          <div className="mt-2">
            <Table caption="Files that decided the pictures" head={["What", "File", "sha256"]}>
              {files.map(({ role, name, sha256, strength }) => (
                <tr key={`${role} ${name}`}>
                  <td className="whitespace-nowrap">
                    {roles[role]}
                    {strength !== undefined && strength !== 1 && ` × ${strength}`}
                  </td>
                  <td>
                    <code className="[overflow-wrap:anywhere]">{name}</code>
                  </td>
                  <td>
                    <Hash sha256={sha256} />
                  </td>
                </tr>
              ))}
            </Table>
          </div>
        </details>
      )}
    </section>
  );
}
