import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { harmlessVariables } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { type Answer, HEAP_MB, type Reading, type Task } from "./messages.ts";

// By way of a function: Next's bundler would take a plain `new URL` for a file that it has to put among the pages.
const scriptIn = (folder: string): string => fileURLToPath(new URL("./child.ts", folder));

const LATE_MS = 60_000; // on a machine that gives it next to nothing

/** Why a text could not be read: it takes more than one text is given. The reader is gone. */
export class TooMuch extends Error {}

/** A process of its own: a thread that meets its limit of memory in one large allocation takes the whole process with it. */
export class ReaderProcess {
  readonly #child: ChildProcess;
  readonly #ready: Promise<unknown>;

  constructor() {
    this.#child = fork(scriptIn(import.meta.url), [], {
      serialization: "advanced",
      stdio: "ignore",
      execArgv: [`--max-old-space-size=${HEAP_MB}`, "--max-semi-space-size=16"],
      env: harmlessVariables(),
    });
    this.#child.on("error", () => {}); // could not be started, or told something: it then never answers, and «exit» or the clock says so
    this.#ready = this.#next();
    this.#ready.catch(() => {});
    this.#child.unref();
    this.#child.channel!.unref();
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && !this.#child.killed;
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }

  /** One at a time. @throws TooMuch; bad_request with the sentence of a refusal; queue_full when the machine has no time for it */
  async read<T extends Task>(task: T): Promise<Reading<T>> {
    await this.#ready;
    const answer = this.#next();
    this.#child.send(task);
    const said = await answer;
    if (said.type === "refused") throw new AppError("bad_request", said.why);
    if (said.type !== "read") throw new Error(`A reader said «${said.type}» when it was asked to read.`);
    return said.value as Reading<T>;
  }

  #next(): Promise<Answer> {
    const child = this.#child;
    this.#hold(true);
    return new Promise<Answer>((resolve, reject) => {
      const late = setTimeout(() => {
        child.kill("SIGKILL");
        done(() => reject(busy()));
      }, LATE_MS);
      const hear = (answer: Answer): void => done(() => resolve(answer));
      const gone = (): void => done(() => reject(new TooMuch()));
      const done = (settle: () => void): void => {
        clearTimeout(late);
        child.off("message", hear).off("exit", gone);
        this.#hold(false);
        settle();
      };
      child.on("message", hear).on("exit", gone);
    });
  }

  /** Only while somebody waits for it does it keep our process from ending. */
  #hold(isWanted: boolean): void {
    const what = isWanted ? "ref" : "unref";
    this.#child[what]();
    this.#child.channel?.[what]();
  }
}

export const busy = (): AppError =>
  new AppError("queue_full", "The hub has no time to read texts at the moment; try again in a few seconds.", {
    retryAfter: 5,
  });
