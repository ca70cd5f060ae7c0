"use client";

import { useRouter } from "next/navigation.js";
import { useEffect, useState } from "react";
import { passesOfMode } from "#lib/catalog/previews/passes.ts";
import type { PreviewView } from "#lib/catalog/previews/schema.ts";
import { Button } from "../../_ui/button.tsx";
import { modes } from "../../_ui/mode.tsx";
import { Notice } from "../../_ui/notice.tsx";
import { Progress } from "../../_ui/progress.tsx";
import { onThisHub } from "../../preview/on-this-hub.ts";
import { sayWait } from "../../preview/wait.ts";
import { Frame } from "./frame.tsx";
import { useLive } from "./use-live.ts";

/** Long enough that somebody wonders. */
const WAITED_LONG = 8;
const SILENT = 8;

/** A preview while it waits and is drawn. `age`: how old it was when the page was made, in seconds. Once it has ended the page is made anew. */
export function Live({ first, age }: { readonly first: PreviewView; readonly age: number }) {
  const { refresh } = useRouter();
  const { view, news, hasEnded, problem } = useLive(first);
  const now = useNow();
  useEffect(() => {
    if (hasEnded) refresh();
  }, [hasEnded, refresh]);

  const drawn = modes.filter((mode) => mode !== "guide" || view.guide !== null);
  const total = drawn.reduce((sum, mode) => sum + passesOfMode(mode, view), 0);
  const passesDone = drawn
    .filter((mode) => view.pictures.some((picture) => picture.mode === mode))
    .reduce((sum, mode) => sum + passesOfMode(mode, view), 0);
  const done = Math.min(
    total,
    passesDone +
      (view.progress && !view.pictures.some(({ mode }) => mode === view.progress!.mode) ? view.progress.passes : 0),
  );
  const elapsed = now === null ? null : age + now;
  const isSilent = view.state === "running" && now !== null && now - news > SILENT;

  return (
    <section aria-label="How far it is" className="mt-5">
      <div className="flex flex-wrap items-center gap-x-5 gap-y-2">
        <p className="min-w-56 font-medium">{sayState(view, elapsed)}</p>
        <div className="min-w-40 flex-1">
          <Progress label="All pictures" value={done} max={total} />
        </div>
        <p className="text-small whitespace-nowrap text-quiet">
          {done} of {total} passes{elapsed === null ? "" : ` · ${elapsed.toFixed(1)} s`}
        </p>
        {view.isMine && (
          <form method="post" action={`/previews/${view.id}/cancel`}>
            <Button type="submit">Cancel</Button>
          </form>
        )}
      </div>
      <p role="status" className="sr-only">
        {sayQuarter(done, total)}
      </p>
      <div className="mt-3 space-y-3 empty:hidden" aria-live="polite">
        {problem !== null && <Notice kind="careful">{problem}</Notice>}
        {view.attempt > 1 && (
          <Notice kind="careful">
            The worker that drew this was lost; another has taken over and draws it from the start. Nothing has to be
            done.
          </Notice>
        )}
        {isSilent && (
          <Notice kind="careful">
            Nothing has come from the worker for {Math.floor(now - news)} s. A large model may take that long for a
            step; if the worker was lost, another takes over by itself and draws it from the start.
          </Notice>
        )}
      </div>
      <div className="mt-4 flex flex-wrap justify-center gap-x-2 gap-y-4 sm:justify-start">
        {drawn.map((mode) => {
          const progress = view.progress?.mode === mode ? view.progress : null;
          const picture = view.pictures.find((one) => one.mode === mode) ?? null;
          return (
            <Frame
              key={mode}
              mode={mode}
              picture={picture && onThisHub(picture)}
              prompt={view.prompt}
              coarse={progress?.picture ?? null}
              empty={progress ? "beginning" : "comes after"}
            >
              <p className="text-small text-quiet">
                {progress === null
                  ? `${passesOfMode(mode, view)} passes to come`
                  : progress.stage === "opening"
                    ? "opening the networks"
                    : progress.stage === "decoding"
                      ? `all ${progress.steps} steps · decoding the picture`
                      : `step ${progress.step} of ${progress.steps} · ${progress.passes} passes`}
              </p>
            </Frame>
          );
        })}
      </div>
    </section>
  );
}

function sayState({ state, queue, estimate, progress }: PreviewView, elapsed: number | null): string {
  if (state === "running")
    return progress === null || progress.stage === "opening" ? "A worker has begun" : "Being drawn";
  if (queue?.problem) return queue.problem;
  const wait = queue && estimate ? sayWait({ ...queue, seconds: estimate.seconds }) : null;
  if (queue?.workers === 0) return wait!;
  return elapsed !== null && elapsed > WAITED_LONG && wait !== null ? `Waiting: ${wait}` : "Waiting for a worker";
}

const sayQuarter = (done: number, total: number): string =>
  `${Math.floor((4 * done) / Math.max(1, total)) * 25}% drawn`;

/** Seconds since the page came; null before scripts have. */
function useNow(): number | null {
  const [now, setNow] = useState<number | null>(null);
  useEffect(() => {
    const began = performance.now();
    setNow(0);
    const timer = setInterval(() => setNow((performance.now() - began) / 1000), 200);
    return () => clearInterval(timer);
  }, []);
  return now;
}
