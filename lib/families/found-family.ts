/** What some tensors turned out to be. */
export interface FoundFamily {
  /** As people call it, with what sets it apart: “SD 1.x inpainting”; numbers where no family has them. */
  readonly name: string;
  /** Of the family that it belongs to; null where none does. */
  readonly id: string | null;
  /** Whether models with such a network run here. */
  readonly runs: boolean;
  /** Why they do not, as the end of a sentence; null where they run. */
  readonly whyNot: string | null;
}

export const foundToRun = (name: string, id: string | null): FoundFamily => ({ name, id, runs: true, whyNot: null });

export const foundNotToRun = (name: string, id: string | null, whyNot: string): FoundFamily => ({
  name,
  id,
  runs: false,
  whyNot,
});
