/** What the studio's form holds, as text. */
export interface Settings {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly seed: string;
  readonly steps: string;
  readonly guidance: string;
  readonly cfgSteps: string;
  readonly sampler: string;
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
    Object.entries(all).flatMap(([name, value]) => (value == null || value === "" ? [] : [[name, value]])),
  );
  return query.size > 0 ? `/preview?${query}` : "/preview";
}
