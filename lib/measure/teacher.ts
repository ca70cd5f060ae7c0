import type { FloatTensor } from "#lib/tensor/tensor.ts";
import type { Piece, Pieces } from "./pieces.ts";

/** What a model predicts by itself at one state. */
export interface TeacherStep {
  readonly conditional: FloatTensor;
  readonly cfg: FloatTensor;
}

/** The single steps of some trajectories, in their order: recorded with the first guide, played back for every other, to the same bit. */
export class TeacherTape {
  readonly #steps: TeacherStep[];
  #next = 0;

  constructor(recorded: readonly TeacherStep[] = []) {
    this.#steps = [...recorded];
  }

  async step(predict: () => Promise<TeacherStep>): Promise<TeacherStep> {
    const known = this.#steps[this.#next++];
    if (known) return known;
    const made = await predict();
    this.#steps.push(made);
    return made;
  }

  /** To be played once more, from the beginning. */
  again(): TeacherTape {
    return new TeacherTape(this.#steps);
  }

  /** “12.cfg” is CFG's prediction at the thirteenth state. */
  toPiece(): Piece {
    return {
      tensors: new Map(
        this.#steps.flatMap(({ conditional, cfg }, i) => [
          [`${i}.conditional`, conditional] as const,
          [`${i}.cfg`, cfg] as const,
        ]),
      ),
      numbers: [],
    };
  }
}

/** `work` with the tape of a recipe: played where there is one, and kept where it was recorded to its end. */
export async function withTape<T>(
  pieces: Pieces | null,
  recipe: object,
  work: (tape: TeacherTape) => Promise<T>,
): Promise<T> {
  const known = await pieces?.read(recipe);
  if (known) return work(new TeacherTape(stepsOf(known)));
  const tape = new TeacherTape();
  const made = await work(tape);
  await pieces?.write(recipe, tape.toPiece());
  return made;
}

const stepsOf = ({ tensors }: Piece): TeacherStep[] =>
  Array.from({ length: tensors.size / 2 }, (_, i) => ({
    conditional: tensors.get(`${i}.conditional`)!,
    cfg: tensors.get(`${i}.cfg`)!,
  }));
