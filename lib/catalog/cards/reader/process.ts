import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { harmlessVariables } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { Frames, toFrame } from "#lib/util/frames.ts";
import { type Answer, answer, HEAP_MB, MOST_BYTES, type Reading, type Task } from "./messages.ts";

// By way of a function: Next's bundler would take a plain `new URL` for a file that it has to put among the pages.
const scriptIn = (folder: string): string => fileURLToPath(new URL("./child.ts", folder));

const LATE_MS = 60_000; // on a machine that gives it next to nothing

/** Why a text could not be read: it takes more than one text is given. The reader is gone. */
export class TooMuch extends Error {}

/** Why a text could not be read: its reader said what no reader says. It is gone. */
export class Garbled extends Error {}

/** A process of its own: a thread that meets its limit of memory in one large allocation takes the whole process with it. */
export class ReaderProcess {
  readonly #child: ChildProcess;
  /** None where it could not be started. */
  readonly #channel: Socket | null;
  readonly #ready: Promise<unknown>;
  #hear: ((answer: Answer) => void) | null = null;
  #isGarbling = false;

  /** @param script what runs in it */
  constructor(script = scriptIn(import.meta.url)) {
    const limits = [`--max-old-space-size=${HEAP_MB}`, "--max-semi-space-size=16"];
    this.#child = spawn(process.execPath, [...limits, script], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
      env: harmlessVariables(),
    });
    this.#channel = (this.#child.stdio?.[3] as Socket | undefined) ?? null;
    const frames = new Frames(MOST_BYTES);
    this.#channel?.on("data", (piece: Buffer) => this.#take(frames, piece)).on("error", () => {}); // its end says so, too
    this.#child.on("error", () => {}); // could not be started, or told something: it then never answers, and “exit” or the clock says so
    this.#ready = this.#next();
    this.#ready.catch(() => {});
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && !this.#child.killed;
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }

  /** One at a time. @throws TooMuch; Garbled; bad_request with the sentence of a refusal; queue_full when the machine has no time for it */
  async read<T extends Task>(task: T): Promise<Reading<T>> {
    await this.#ready;
    const next = this.#next();
    this.#channel?.write(toFrame(task));
    const said = await next;
    if (said.type === "refused") throw new AppError("bad_request", said.why);
    if (said.type !== task.kind) {
      this.end();
      throw new Garbled();
    }
    return said.value as Reading<T>;
  }

  /** Whatever it says that no reader says ends it, and what it was reading cannot be read. */
  #take(frames: Frames, piece: Buffer): void {
    if (!this.isAlive) return;
    try {
      for (const raw of frames.take(piece)) {
        const hear = this.#hear;
        if (!hear) throw new Error("an answer to nothing");
        hear(answer.parse(raw));
      }
    } catch {
      this.#isGarbling = true;
      this.end();
    }
  }

  #next(): Promise<Answer> {
    const child = this.#child;
    this.#hold(true);
    return new Promise<Answer>((resolve, reject) => {
      const late = setTimeout(() => {
        child.kill("SIGKILL");
        done(() => reject(busy()));
      }, LATE_MS);
      const gone = (): void => done(() => reject(this.#isGarbling ? new Garbled() : new TooMuch()));
      const done = (settle: () => void): void => {
        clearTimeout(late);
        child.off("close", gone);
        this.#hear = null;
        this.#hold(false);
        settle();
      };
      this.#hear = (said) => done(() => resolve(said));
      child.on("close", gone); // after “exit”, when all that it said has been read
    });
  }

  /** Only while somebody waits for it does it keep our process from ending. */
  #hold(isWanted: boolean): void {
    const what = isWanted ? "ref" : "unref";
    this.#child[what]();
    this.#channel?.[what]();
  }
}

export const busy = (): AppError =>
  new AppError("queue_full", "The hub has no time to read texts at the moment; try again in a few seconds.", {
    retryAfter: 5,
  });
