import { AppError } from "#lib/errors.ts";
import type { Reading, Task } from "./messages.ts";
import { ReaderProcess } from "./process.ts";

const AT_ONCE = 2;
const MOST_WAITING = 50; // of one person and kind
const IDLE_MS = 60_000;

interface Waiting {
  readonly who: string;
  readonly kind: Task["kind"];
  readonly start: (reader: ReaderProcess) => Promise<void>;
}

/**
 * The readers of this process. Each person has one text read at a time, and those who wait are taken round by person: who sends texts
 * that take all they may waits for themselves. Of one person what a card says is read before anything is laid out: a commit waits for it.
 */
class Readers {
  #idle: ReaderProcess[] = [];
  /** By person, in the order in which they are taken. */
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #reading = new Set<string>();
  #ending: NodeJS.Timeout | undefined;

  /** @throws TooMuch, Garbled, bad_request, queue_full as ReaderProcess.read; rate_limited when this person has too many waiting */
  read<T extends Task>(who: string, task: T): Promise<Reading<T>> {
    const mine = this.#waiting.get(who) ?? [];
    const { kind } = task;
    const alike = mine.filter((one) => one.kind === kind);
    if (alike.length >= MOST_WAITING)
      throw new AppError(
        "rate_limited",
        `${MOST_WAITING} of your texts are waiting to be read; send this one again when they are done.`,
        { retryAfter: 10 },
      );
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { who, kind, start: (reader) => reader.read(task).then(resolve, reject) };
      this.#waiting.set(
        who,
        kind === "facts" ? [...alike, waiting, ...mine.filter((one) => one.kind !== kind)] : [...mine, waiting],
      );
      this.#next();
    });
  }

  #next(): void {
    if (this.#reading.size >= AT_ONCE) return;
    const who = this.#waiting.keys().find((one) => !this.#reading.has(one));
    if (who === undefined) return;
    const [first, ...rest] = this.#waiting.get(who)!;
    this.#waiting.delete(who);
    if (rest.length > 0) this.#waiting.set(who, rest); // behind everybody else
    void this.#run(first!);
    this.#next();
  }

  async #run({ who, start }: Waiting): Promise<void> {
    this.#reading.add(who);
    clearTimeout(this.#ending);
    this.#idle = this.#idle.filter(({ isAlive }) => isAlive);
    const reader = this.#idle.pop() ?? new ReaderProcess();
    await start(reader);
    if (reader.isAlive) this.#idle.push(reader);
    this.#reading.delete(who);
    this.#ending = setTimeout(() => this.#endIdle(), IDLE_MS).unref();
    this.#next();
  }

  #endIdle(): void {
    for (const reader of this.#idle.splice(0)) reader.end();
  }
}

// Next may load this module more than once in one process; the readers must not multiply.
const shared = globalThis as { guidepostReaders?: Readers };

export const readers = (): Readers => (shared.guidepostReaders ??= new Readers());
