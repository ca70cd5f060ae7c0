/** Seconds that something worked, without those in which it was stopped. */
export class Stopwatch {
  #worked = 0;
  #since: number | null = performance.now();

  get seconds(): number {
    return (this.#worked + (this.#since === null ? 0 : performance.now() - this.#since)) / 1000;
  }

  stop(): void {
    if (this.#since !== null) this.#worked += performance.now() - this.#since;
    this.#since = null;
  }

  start(): void {
    this.#since ??= performance.now();
  }
}
