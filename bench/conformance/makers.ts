import { fileURLToPath } from "node:url";

export const goldenFolder = fileURLToPath(new URL("../../tests/golden/", import.meta.url));
export const recordPath = `${goldenFolder}conformance.json`;

/** A program that writes golden files, and the files of its folder that it writes. */
export interface Maker {
  /** A folder of `tests/golden`. */
  readonly topic: string;
  readonly script: string;
  /** The one file that its standard output becomes; null where it writes into its folder itself. */
  readonly printsTo: string | null;
  /** What it takes from another's code, by the variable that names a folder of it; null for packages of PyPI only. */
  readonly needs: Source | null;
  /** A file of the folder that another maker writes. */
  readonly leaves: readonly string[];
}

interface Source {
  readonly variable: string;
  readonly what: string;
  /** Whether the maker takes the folder as its argument, or from the variable itself. */
  readonly asArgument: boolean;
}

const own = { printsTo: null, needs: null, leaves: [] };

/** In the order in which they run: some read what an earlier one wrote. */
export const makers: readonly Maker[] = [
  "families",
  "unets",
  "samplers-all",
  "samplers-from-picture",
  "adapters",
  "single-files",
  "layouts",
  "headers",
  "random-configs",
  "tokenizer",
  "clip-vocabulary",
  "clip",
  "training",
  "starter",
]
  .map((topic): Maker => ({ topic, script: "make.py", ...own }))
  .concat([
    { topic: "architectures", script: "make.py", printsTo: "vectors.json", needs: null, leaves: [] },
    { topic: "random", script: "make.py", printsTo: "vectors.json", needs: null, leaves: ["batch.json"] },
    { topic: "random", script: "make_batch.py", printsTo: "batch.json", needs: null, leaves: ["vectors.json"] },
    {
      ...own,
      topic: "pictures",
      script: "make.py",
      needs: { variable: "A1111", what: "AUTOMATIC1111's web UI 1.10.1", asArgument: false },
    },
    {
      topic: "prompt",
      script: "make.py",
      printsTo: "vectors.json",
      needs: { variable: "A1111_PROMPT", what: "four files of a web UI, see its README", asArgument: true },
      leaves: [],
    },
    {
      ...own,
      topic: "ldm-names",
      script: "make.py",
      needs: { variable: "GENERATIVE_MODELS", what: "a clone of Stability-AI/generative-models", asArgument: true },
    },
  ]);

/** Golden folders that no program of ours made: their READMEs say where they come from. */
export const withoutMaker: readonly string[] = ["agreement", "cards", "evaluator", "samplers"];

export const nameOf = ({ topic, script }: Pick<Maker, "topic" | "script">): string => `${topic}/${script}`;
