/** Names and shapes, as the header of a weights file lists them: all that recognition reads. */
export type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** A `config.json` of one component in the spelling of diffusers or transformers, to be parsed like one from a folder. */
export type ConfigJson = Readonly<Record<string, unknown>>;

export type PredictionType = "epsilon" | "v_prediction" | "sample";

/** A base architecture whose denoiser is a UNet between CLIP's text encoders and an AutoencoderKL: one value says it all. */
export interface UNetFamily {
  readonly id: "sd1" | "sd2" | "sdxl" | "sdxl-refiner";
  /** As people call it. */
  readonly name: string;
  /** Why nothing here runs it; null where it runs. */
  readonly whyNot: string | null;
  readonly unet: UNetStructure;
  /** In the order in which a run needs them. */
  readonly textEncoders: readonly TextEncoderPart[];
  readonly size: SizeRule;
  /** Models of one structure that were trained otherwise; the first is meant where nothing says which. */
  readonly variants: readonly [Variant, ...Variant[]];
  /** The class names that diffusers writes into `model_index.json` for the same networks. */
  readonly pipelines: readonly string[];
  /** How metadata names it: the beginnings of the value, in small letters and digits alone. */
  readonly claims: readonly string[];
}

/** What tells UNets apart: the numbers of the figure in the paper. */
export interface UNetStructure {
  /** Channels of each level, finest first. */
  readonly channels: readonly number[];
  readonly layersPerBlock: number;
  /** Transformer blocks behind each residual block of each level; 0 where a level does not attend. */
  readonly depths: readonly number[];
  /** Width of the text states that cross-attention reads. */
  readonly textWidth: number;
  /** Width of the pooled text and the time ids together, the mark of SDXL; null where there are none. */
  readonly addedWidth: number | null;
}

export interface TextEncoderPart {
  /** In a diffusers folder. */
  readonly folder: "text_encoder" | "text_encoder_2";
  readonly tokenizerFolder: "tokenizer" | "tokenizer_2";
  readonly name: string;
  readonly width: number;
  /** Where a single file keeps it, in whose names; the first that is there holds. */
  readonly singleFile: readonly { readonly prefix: string; readonly names: "CLIP" | "OpenCLIP" }[];
}

/** Sizes of a picture in pixels. */
export interface SizeRule {
  /** Height and width must be multiples of it: a latent stands for so many pixels. */
  readonly multipleOf: number;
  readonly least: number;
  readonly most: number;
}

export interface Variant {
  readonly id: string;
  readonly predictionType: PredictionType;
  /** Height and width that it was trained on, in pixels. */
  readonly nativeSize: number;
  /** The published configs of its parts, for files that bring none. */
  readonly configs: FamilyConfigs | null;
}

export interface FamilyConfigs {
  readonly unet: ConfigJson;
  readonly text_encoder: ConfigJson;
  readonly text_encoder_2?: ConfigJson;
  readonly vae: ConfigJson;
  readonly scheduler: ConfigJson;
}

export type FamilyNetwork = "unet" | "transformer";

/** A model that is recognised and named, and not run. */
export interface OtherFamily {
  readonly id: string;
  readonly name: string;
  readonly denoiser: FamilyNetwork;
  readonly whyNot: string;
  /** Tensors of its denoiser that no other has, in its authors' names or in those of diffusers: one list is enough. */
  readonly marks: readonly Marks[];
  /** Its members, told apart by more marks; the first that fits gives the name. */
  readonly members: readonly { readonly name: string; readonly marks: Marks }[];
  /** How the class names of its pipelines begin. */
  readonly pipelines: readonly string[];
  readonly claims: readonly string[];
}

/** All of them must be there. */
export type Marks = readonly Mark[];

/** The name of a tensor, with the dimensions that it must have where they matter: null stands for any. */
export type Mark = string | readonly [name: string, shape: readonly (number | null)[]];

export const fitsMarks = (tensors: Shapes, marks: Marks): boolean =>
  marks.every((mark) => {
    if (typeof mark === "string") return tensors.has(mark);
    const [name, wanted] = mark;
    const shape = tensors.get(name)?.shape;
    return shape?.length === wanted.length && wanted.every((dim, axis) => dim === null || dim === shape[axis]);
  });
