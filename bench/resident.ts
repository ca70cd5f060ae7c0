import { readFileSync } from "node:fs";

const SAMPLE_MS = 100;

/** Watches the resident memory of a process; Linux only. */
export class Resident {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #peak = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** The most since this was last asked, in MB. */
  takePeak(): number {
    this.#sample();
    const peak = this.#peak;
    this.#peak = 0;
    return peak;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const kibibytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.#pid}/status`, "utf8"))![1]);
    this.#peak = Math.max(this.#peak, (kibibytes * 1024) / 1e6);
  }
}
