/** Something that has a place for as long as its bytes come. */
export interface Sitter {
  /** Since when nothing has come, by `performance.now()`. */
  silentSince(): number;
  /** It has lost its place to another, and is to end. */
  leave(): void;
}

/** Who has been silent for less may just have a slow line. */
const SPARED_MS = 2_000;

/**
 * So many places for each name: an address, a person. Who comes when all are taken gets that of whoever of the same name has been silent
 * longest; so those who send nothing shut nobody out, not even others behind their own address.
 */
export class Seats {
  readonly #taken = new Map<string, Set<Sitter>>();

  /** @returns what gives the place back; null where all are taken by those who are at work */
  take(name: string, limit: number, sitter: Sitter): (() => void) | null {
    const sitters = this.#taken.get(name) ?? new Set();
    if (sitters.size >= limit) {
      const silent = longestSilent(sitters);
      if (performance.now() - silent.silentSince() < SPARED_MS) return null;
      sitters.delete(silent);
      silent.leave();
    }
    sitters.add(sitter);
    this.#taken.set(name, sitters);
    return () => {
      sitters.delete(sitter);
      if (sitters.size === 0 && this.#taken.get(name) === sitters) this.#taken.delete(name);
    };
  }
}

function longestSilent(sitters: ReadonlySet<Sitter>): Sitter {
  let [found, since] = [null as Sitter | null, Infinity];
  for (const sitter of sitters) if (sitter.silentSince() < since) [found, since] = [sitter, sitter.silentSince()];
  return found!;
}
