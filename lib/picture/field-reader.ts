import { parseSeed } from "./seed.ts";

/**
 * Hands out the values of a line of settings by their names, and keeps which were asked for and which could not be
 * read.
 */
export class FieldReader {
  readonly #fields: ReadonlyMap<string, string>;
  readonly #asked = new Set<string>();
  /** A sentence for each value that could not be read. */
  readonly unreadable: string[] = [];

  /** @param fields by their names in lower case */
  constructor(fields: ReadonlyMap<string, string>) {
    this.#fields = fields;
  }

  has(name: string): boolean {
    return this.text(name) !== null;
  }

  text(name: string): string | null {
    this.#asked.add(name);
    return this.#fields.get(name) || null;
  }

  number(name: string): number | null {
    return this.#read(name, (text) => {
      const value = /^[+-]?[\d.]{1,24}$/.test(text) ? Number(text) : NaN;
      return Number.isFinite(value) ? value : null;
    });
  }

  count(name: string): number | null {
    return this.#read(name, (text) => (/^\d{1,9}$/.test(text) ? Number(text) : null));
  }

  seed(name: string): bigint | null {
    return this.#read(name, parseSeed);
  }

  hash(name: string): string | null {
    return this.#read(name, toHash);
  }

  size(name: string): readonly [width: number | null, height: number | null] {
    const size = this.#read(name, (text) => /^(\d{1,6})x(\d{1,6})$/.exec(text));
    return size ? [Number(size[1]), Number(size[2])] : [null, null];
  }

  /** The names that nobody asked for. */
  get rest(): string[] {
    return [...this.#fields.keys()].filter((name) => !this.#asked.has(name));
  }

  #read<T>(name: string, read: (text: string) => T | null): T | null {
    const text = this.text(name);
    const value = text === null ? null : read(text);
    if (text !== null && value === null) this.unreadable.push(`Its ${name} “${text.slice(0, 40)}” could not be read.`);
    return value;
  }
}

/** A hash as tools write them, 8 to 64 digits; null for any other text. */
export const toHash = (value: string): string | null => (/^[0-9a-f]{8,64}$/i.test(value) ? value.toLowerCase() : null);
