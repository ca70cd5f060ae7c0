import { can } from "#lib/catalog/kinds.ts";
import type { InspectionView } from "#lib/catalog/inspections/schema.ts";
import { env } from "#lib/env.ts";
import { quoted } from "./lines.ts";
import type { ShownRepo } from "./repo-of.ts";
import { Lines } from "./use-lines.tsx";

interface HowToUseProps {
  readonly repo: ShownRepo;
  readonly facts: NonNullable<InspectionView["facts"]>;
  /** Null where none is known. */
  readonly model: UsedModel | null;
  /** “owner/repo” of what is best proven with it; null where nothing is. */
  readonly partner: string | null;
  readonly prompt: string | null;
}

/** What a picture is drawn with. */
export interface UsedModel {
  readonly repo: string;
  /** Of a single-file checkpoint; null for a folder. */
  readonly file: string | null;
  /** Whether the file's configs lie beside it. */
  readonly hasConfigs: boolean;
}

export const toUsedModel = (
  repo: string,
  { kind, mainFile, files }: NonNullable<InspectionView["facts"]>,
): UsedModel => ({
  repo,
  file: kind === "single-file checkpoint" ? mainFile : null,
  hasConfigs: files.some(({ role }) => role === "config"),
});

const nameOf = (fullName: string): string => fullName.split("/")[1]!;

/** From the files to a picture, on one's own machine, with the real names. */
export function HowToUse({ repo, facts, model: found, partner, prompt }: HowToUseProps) {
  const { mainFile } = facts;
  const file = mainFile?.split("/").at(-1);
  const isGuide = can(repo, "guides");
  const isLowRank = facts.kind === "low-rank fine-tune";
  const proven = isGuide && partner !== null ? { repo: partner, file: null, hasConfigs: false } : null;
  const used = found ?? proven;
  if (!facts.runs || !file || used === null) return null;
  const { repo: model, file: modelFile, hasConfigs } = used;
  const place = quoted(`./${modelFile ?? nameOf(model)}`);
  const guide = isGuide ? quoted(file) : partner === null ? null : "guide.safetensors";
  const words = [
    `npx guidepost sample ${place}`,
    ...(modelFile !== null && hasConfigs ? [`--config ./${nameOf(model)}`] : []),
    ...(isLowRank ? [`--lora ${quoted(file)}`] : []),
    ...(guide ? [`--guide ${guide}`] : []),
    `--prompt ${quoted(prompt ?? "what to draw")}`,
    "-o picture.png",
  ];
  return (
    <section aria-labelledby="use">
      <h2 id="use" className="text-title">
        How to use it
      </h2>
      <p className="mb-3 max-w-[72ch] text-quiet">
        On your machine, with the command line that comes with Guidepost. <code>{place}</code> is the{" "}
        {modelFile === null ? "folder" : "file"} of <a href={`/${model}/tree/main#all`}>{model}</a>
        {isGuide && ", or any model that it works on"}
        {!isGuide && partner !== null && (
          <>
            ; <code>{guide}</code> is that of <a href={`/${partner}`}>{partner}</a>
          </>
        )}
        .
      </p>
      <div className="space-y-3">
        <Lines name="draw a picture" text={words.join(" \\\n  ")} />
        {isGuide && (
          <Lines
            name="ask what works with it, as a program"
            text={`curl '${env().publicUrl}/api/v1/repos/${repo.fullName}/fits'`}
          />
        )}
        {!isGuide && (
          <Lines
            name="ask which guides work, as a program"
            text={`curl '${env().publicUrl}/api/v1/repos/${repo.fullName}/guides'`}
          />
        )}
      </div>
    </section>
  );
}
