import { setTimeout as sleep } from "node:timers/promises";
import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen } from "cockatiel";

/** A store that does not answer, as what asked it finds. */
export class Silence extends Error {
  override readonly name = "TimeoutError"; // as Node and the SDK call it

  constructor() {
    super("The store does not answer.");
  }
}

export interface BreakerSettings {
  /** A small question, for which a store that is well needs no time. It must not wait behind other calls. */
  readonly probe: (signal: AbortSignal) => Promise<unknown>;
  /** Without an answer to it, twice, the store is away. */
  readonly probeMs: number;
  /** Whether a failure says that the store is away; any other is an answer. */
  readonly isAway: (cause: unknown) => boolean;
  /** How long a call that found the store away may wait for it to come back: not at all where a person waits. */
  readonly patienceMs: number;
}

const FAILURES = 2; // one after the other
const SLOW_MS = 1500; // after which the store is asked whether it is there at all
const PROBE_EVERY_MS = 1000;
const HEARD_MS = 1000; // a link that is signed says nothing of the store; so it was heard of so lately

/**
 * Stands before every call to a store. While the store is silent no call reaches it, so that nobody waits for it: it is asked by itself
 * whether it is back. A call that takes long is let go on as long as the store answers others.
 */
export class Breaker {
  readonly #settings: BreakerSettings;
  readonly #circuit;
  #heardAt = -Infinity;
  #looking: Promise<void> | null = null;
  /** What is under way; all of it ends when the store is found away. */
  readonly #calls = new Set<AbortController>();
  #isBack = Promise.withResolvers<void>();

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
    this.#circuit = circuitBreaker(
      handleWhen((cause) => cause instanceof Silence || settings.isAway(cause)),
      { halfOpenAfter: 0, breaker: new ConsecutiveBreaker(FAILURES) }, // who may ask an open one is for us to say
    );
    this.#circuit.onBreak(() => {
      for (const call of this.#calls) call.abort();
      void this.#watch();
    });
    this.#circuit.onReset(() => {
      this.#isBack.resolve();
      this.#isBack = Promise.withResolvers();
    });
  }

  get isOpen(): boolean {
    return this.#circuit.state !== CircuitState.Closed;
  }

  /**
   * Makes a call that may be made again. `signal` ends it; work that does not heed it is left behind.
   * @throws Silence while the store is away, or when there is no answer after `deadlineMs`
   */
  async call<T>(work: (signal: AbortSignal) => Promise<T>, deadlineMs: number): Promise<T> {
    const until = performance.now() + this.#settings.patienceMs;
    for (;;) {
      try {
        return await this.#callOnce(work, deadlineMs);
      } catch (cause) {
        const left = until - performance.now();
        if (!this.isOpen || left <= 0) throw cause;
        await Promise.race([this.#isBack.promise, sleep(left)]);
      }
    }
  }

  /** For what makes no call itself, such as a link that is signed. @throws Silence where the store was not heard of for a while, and does not answer */
  async requireAnswering(): Promise<void> {
    if (!this.isOpen && performance.now() - this.#heardAt > HEARD_MS) await this.suspect();
    if (this.isOpen) throw new Silence();
  }

  async #callOnce<T>(work: (signal: AbortSignal) => Promise<T>, deadlineMs: number): Promise<T> {
    if (this.isOpen) throw new Silence();
    const suspicion = setInterval(() => void this.suspect(), SLOW_MS);
    try {
      return await this.#circuit.execute(() => this.#bounded(work, deadlineMs));
    } finally {
      clearInterval(suspicion);
    }
  }

  async #bounded<T>(work: (signal: AbortSignal) => Promise<T>, deadlineMs: number): Promise<T> {
    const call = new AbortController(); // of its own: what is made by AbortSignal.any lives as long as the longest of its sources
    const timer = setTimeout(() => call.abort(), deadlineMs);
    this.#calls.add(call);
    try {
      const answer = await orAborted(work(call.signal), call.signal);
      this.#heardAt = performance.now();
      return answer;
    } catch (cause) {
      throw call.signal.aborted ? new Silence() : cause;
    } finally {
      clearTimeout(timer);
      this.#calls.delete(call);
    }
  }

  /** Asks whether it is there, until it answers or is known to be away. Never fails. */
  suspect(): Promise<void> {
    this.#looking ??= (async () => {
      while (!this.isOpen && !(await this.#probe()));
    })().finally(() => (this.#looking = null));
    return this.#looking;
  }

  /** Asks until it is back. */
  async #watch(): Promise<void> {
    while (this.isOpen) {
      await sleep(PROBE_EVERY_MS, undefined, { ref: false });
      await this.#probe();
    }
  }

  async #probe(): Promise<boolean> {
    return this.#circuit
      .execute(() => {
        const late = AbortSignal.timeout(this.#settings.probeMs);
        return orAborted(this.#settings.probe(late), late);
      })
      .then(
        () => true,
        (cause: unknown) => !(cause instanceof Silence || this.#settings.isAway(cause)),
      )
      .then((isThere) => {
        if (isThere) this.#heardAt = performance.now();
        return isThere;
      });
  }
}

const orAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Silence()), { once: true });
    work.then(resolve, reject);
  });
