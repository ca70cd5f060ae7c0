/** What the studio's form holds, as text. */
export interface Settings {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly promptSyntax: string;
  readonly seed: string;
  /** Like 1152x896; empty for what the model was trained on. */
  readonly size: string;
  readonly steps: string;
  readonly guidance: string;
  readonly guidanceRescale: string;
  readonly cfgSteps: string;
  readonly guideStrength: string;
  readonly sampler: string;
  /** Layers that are left out. */
  readonly clipSkip: string;
  readonly loraStrength: string;
}

/** What few people change, and what stands for nothing in an address. */
export const usual = { promptSyntax: "plain", guidanceRescale: "0", clipSkip: "0", loraStrength: "1" } as const;

export const toSizeText = (size: { readonly width: number | null; readonly height: number | null }): string =>
  size.width === null || size.height === null ? "" : `${size.width}x${size.height}`;

/** Null for the model's own, and for a text that is no size yet. */
export function parseSizeText(text: string): { width: number; height: number } | null {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? [];
  return width === undefined ? null : { width: Number(width), height: Number(height) };
}

interface Named {
  readonly finetune: string | null;
  /** A commit, where it is not to be the newest. */
  readonly revision?: string | null;
  /** Null: without one. */
  readonly guide?: string | null;
  readonly guideRevision?: string | null;
}

/** The studio with everything filled in. A guide that is left out is chosen for the model. */
export function studioAddress(
  { finetune, revision, guide, guideRevision }: Named,
  settings: Partial<Settings> = {},
): string {
  const all = { finetune, revision, guide: guide === null ? "none" : guide, guideRevision, ...settings };
  const query = new URLSearchParams(
    Object.entries(all).flatMap(([name, value]) =>
      value == null || value === "" || usualOf.get(name) === value ? [] : [[name, value]],
    ),
  );
  return query.size > 0 ? `/preview?${query}` : "/preview";
}

const usualOf: ReadonlyMap<string, string> = new Map(Object.entries(usual));
