import { setTimeout as sleep } from "node:timers/promises";
import { recordMetrics, recordSample, saveProgress } from "#lib/catalog/distillations/work.ts";
import type { Sample } from "#lib/distill/progress.ts";
import type { History } from "#lib/distill/run/history.ts";
import { log } from "#lib/log.ts";
import { encodePng } from "#lib/picture/png.ts";
import type { Progress } from "#workers/inference/messages.ts";

export interface MetricsWriter {
  offer(said: Progress): void;
  /** What an earlier attempt had seen when it kept its last checkpoint. */
  goOn(history: History): void;
  /** Writes what there is by now, and nothing more after that. */
  stop(): Promise<void>;
}

/** In milliseconds: a step may take a hundredth of it, and a row for each by itself would be most of the work. */
const WRITE_EVERY = 1000;

const stages = ["states", "training", "held-out"] as const;

/** Writes what a training says of itself in batches. A batch that cannot be written is tried again with the next. */
export function metricsWriter(id: string, attempt: number, onLost: () => void): MetricsWriter {
  let losses: { readonly step: number; readonly loss: number }[] = [];
  let looks: object[] = [];
  const samples: Sample[] = [];
  let last: Progress | null = null;
  const stopped = new AbortController();

  const writeSamples = async (): Promise<void> => {
    for (const { picture, ...sample } of samples.splice(0)) {
      const { width, height } = picture;
      const png = encodePng(picture, new Map());
      await recordSample(id, attempt, { ...sample, width, height, png }).catch((cause: unknown) =>
        log().warn({ event: "distill.sample", err: cause }, "A picture of a training could not be written."),
      );
    }
  };
  const write = async (): Promise<void> => {
    const batch = { losses, looks, last };
    [losses, looks, last] = [[], [], null];
    await writeSamples();
    try {
      const { length } = [...batch.losses, ...batch.looks];
      if (length > 0 && !(await recordMetrics(id, attempt, batch.losses, batch.looks))) return onLost();
      if (batch.last && !(await saveProgress(id, attempt, toProgress(batch.last)))) onLost();
    } catch (cause) {
      log().warn({ event: "distill.metrics", err: cause }, "What a training said of itself could not be written.");
      [losses, looks] = [
        [...batch.losses, ...losses],
        [...batch.looks, ...looks],
      ];
    }
  };
  const work = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await write();
      await sleep(WRITE_EVERY, undefined, { signal: stopped.signal }).catch(() => {});
    }
  };
  const working = work();
  return {
    offer(said) {
      last = said;
      const { figures, look, samples: drawn = [] } = said.distilling ?? {};
      samples.push(...drawn);
      if (said.stage === "training" && figures) losses.push({ step: said.done, loss: figures.loss });
      if (look) looks.push(look);
    },
    goOn(history) {
      losses = history.losses.map((loss, i) => ({ step: i + 1, loss }));
      looks = [...history.heldOut];
    },
    async stop() {
      stopped.abort();
      await working;
      await write();
    },
  };
}

function toProgress({ stage, done, total, distilling }: Progress) {
  return {
    stage: stages.find((one) => one === stage) ?? "states",
    done,
    total,
    secondsLeft: distilling?.secondsLeft ?? null,
    stepsPerSecond: distilling?.figures?.stepsPerSecond ?? null,
  };
}
