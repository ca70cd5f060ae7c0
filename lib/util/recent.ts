/** What was asked for last, by name: when more than `most` are kept, the one that was not asked for the longest goes. */
export class Recent<Value> {
  readonly #kept = new Map<string, Value>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** What `make` gives is kept; what it throws is not. */
  async get(name: string, make: () => Promise<Value>): Promise<Value> {
    const value = this.#kept.has(name) ? this.#kept.get(name)! : await make();
    this.#kept.delete(name);
    this.#kept.set(name, value);
    if (this.#kept.size > this.#most) this.#kept.delete(this.#kept.keys().next().value!);
    return value;
  }
}
