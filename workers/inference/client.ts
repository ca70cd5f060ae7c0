import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { Duplex } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { harmlessVariables } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import type { Pause } from "#lib/util/pause.ts";
import { toStorableText } from "#lib/util/storable.ts";
import { withAbsolutePaths } from "./absolute-paths.ts";
import { allocatorSettings } from "./allocator-settings.ts";
import { Frames, toFrame } from "#lib/util/frames.ts";
import {
  childMessage,
  type ChildMessage,
  type Job,
  MOST_BYTES,
  type ParentMessage,
  type Progress,
  type ResultOf,
} from "./messages.ts";

export interface InferenceOptions {
  readonly onProgress?: (progress: Progress) => void;
  /** Asks the child to stop between two passes. */
  readonly signal?: AbortSignal;
  /** While it is on the child rests between two passes, with all that it holds in memory. */
  readonly pause?: Pause;
  /** The child is killed this many milliseconds after the job was given. */
  readonly deadline?: number;
  /** How many milliseconds a cancelled child may stay silent, where it has something to keep. */
  readonly patience?: number;
}

/** How long a cancelled child may stay silent: one pass of a large model on a slow machine is not waited for. */
const SILENCE_AFTER_CANCEL = 2000;

/**
 * A child process that runs one job at a time and keeps nothing of it but what its memory holds. It reads files of strangers, so it is
 * told no secret, stands in an empty folder and has nothing to read from.
 */
export class InferenceProcess {
  readonly #child: ChildProcess;
  readonly #folder = mkdtempSync(join(tmpdir(), "guidepost-inference-"));
  /** The end of what the child wrote to standard error: what a native crash leaves behind. */
  #lastWords = "";
  #killedFor: AppError | null = null;
  /** Of the job that runs; null between two. */
  #hear: ((message: ChildMessage) => void) | null = null;

  /** @param script what runs in it */
  constructor(script = new URL("./child.ts", import.meta.url)) {
    this.#child = spawn(process.execPath, [...process.execArgv, fileURLToPath(script)], {
      stdio: ["ignore", "ignore", "pipe", "pipe"],
      cwd: this.#folder,
      env: { ...harmlessVariables(), ...allocatorSettings },
    });
    const frames = new Frames(MOST_BYTES);
    this.#channel?.on("data", (piece: Buffer) => this.#take(frames, piece)).on("error", () => {}); // its end says so, too
    this.#child.on("error", ({ message }) => (this.#lastWords = message)); // it could not be started, or told something
    this.#child.once("exit", () => this.#removeFolder());
    this.#child.stderr!.on(
      "data",
      (bytes: Buffer) => (this.#lastWords = (this.#lastWords + bytes.toString()).slice(-2000)),
    );
  }

  /** None where it could not be started. */
  get #channel(): Duplex | null {
    return (this.#child.stdio?.[3] as Duplex | undefined) ?? null;
  }

  /** Whatever it says that no child says ends it, and with it its job. */
  #take(frames: Frames, piece: Buffer): void {
    if (!this.isAlive) return;
    try {
      for (const raw of frames.take(piece)) {
        const message = childMessage.parse(raw);
        if (this.#hear) this.#hear(message);
        else if (message.type !== "ready") throw new Error(`“${message.type}” while it had no job`);
      }
    } catch (cause) {
      this.#kill(unreadable(cause as Error));
    }
  }

  #kill(failure: AppError): void {
    this.#killedFor = failure;
    this.#child.kill("SIGKILL");
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** False once the process has ended, or was told to. */
  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && !this.#child.killed;
  }

  run<J extends Job>(
    job: J,
    { onProgress, signal, pause, deadline, patience = SILENCE_AFTER_CANCEL }: InferenceOptions = {},
  ): Promise<ResultOf<J>> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const timers: NodeJS.Timeout[] = [];
      const finish = (settle: () => void): void => {
        for (const timer of timers) clearTimeout(timer);
        signal?.removeEventListener("abort", cancel);
        unpause?.();
        this.#hear = null;
        child.off("close", gone);
        settle();
      };
      const kill = (failure: AppError): void => this.#kill(failure);
      const cancel = (): void => {
        this.#say({ type: "cancel" });
        timers.push(
          setTimeout(() => kill(new AppError("cancelled", "The work was cancelled; nothing was written.")), patience),
        );
      };
      const hear = (message: ChildMessage): void => {
        if (message.type === "progress") onProgress?.(message);
        else if (message.type === "failed") {
          const sentence = toStorableText(message.message).slice(0, LONGEST_SENTENCE);
          finish(() => reject(new AppError(message.code, sentence, message.detail)));
        } else if (message.type === resultOf[job.type]) finish(() => resolve(message as ResultOf<J>));
        else if (message.type !== "ready") throw new Error(`“${message.type}” for the job “${job.type}”`);
      };
      const gone = (code: number | null, signalName: string | null): void => {
        finish(() =>
          reject(
            this.#killedFor ??
              new AppError(
                "inference_died",
                `The inference process ended in the middle of its work (${signalName ?? `exit code ${code}`}); most often memory ran out, so close other programs or use a smaller model.`,
                { code, signal: signalName, stderr: this.#lastWords },
              ),
          ),
        );
      };
      const rest = (): void => this.#say({ type: pause?.isOn ? "pause" : "resume" });
      const unpause = pause?.onChange(rest);
      this.#hear = hear;
      child.on("close", gone); // after “exit”, when all that it said has been read
      if (child.pid === undefined)
        return reject(
          new AppError(
            "inference_died",
            "The inference process could not be started, most often because memory ran out; close other programs and try again.",
            { stderr: this.#lastWords },
          ),
        );
      if (child.exitCode !== null || child.signalCode !== null) return gone(child.exitCode, child.signalCode);
      if (deadline !== undefined) {
        timers.push(
          setTimeout(
            () =>
              kill(
                new AppError(
                  "deadline_passed",
                  `The work took longer than the ${deadline / 1000} s it was given; ask for fewer steps or a longer time.`,
                  { deadline },
                ),
              ),
            deadline,
          ),
        );
      }
      signal?.addEventListener("abort", cancel);
      this.#say(withAbsolutePaths(job));
      if (pause?.isOn) rest();
      if (signal?.aborted) cancel();
    });
  }

  /** Ends the child at once. Nothing of value is in it. */
  close(): void {
    this.#child.kill("SIGKILL");
    this.#removeFolder(); // now, for this process may end before it hears that the other did
  }

  #removeFolder(): void {
    try {
      rmSync(this.#folder, { recursive: true, force: true });
    } catch {
      // Windows keeps the folder of a process until that has ended
    }
  }

  #say(message: ParentMessage): void {
    if (this.#channel?.writable) this.#channel.write(toFrame(message));
  }
}

/** A child that says what no child says ends with its job, and the parent lives. */
const unreadable = ({ message }: Error): AppError =>
  new AppError(
    "inference_died",
    "The inference process answered in a way that cannot be read, so it was ended; try again, and report it if it happens twice.",
    { why: message.slice(0, LONGEST_SENTENCE) },
  );

const LONGEST_SENTENCE = 4000;

const resultOf = {
  sample: "sampled",
  check: "checked",
  curve: "curve",
  envelope: "envelope",
  inspect: "inspected",
  kinship: "compared",
  distill: "distilled",
  probe: "probed",
} as const satisfies Record<Job["type"], ChildMessage["type"]>;
