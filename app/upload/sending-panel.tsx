import { useEffect, useRef, useState } from "react";
import { toBytes, toDuration } from "../_page/units.ts";
import { Button } from "../_ui/button.tsx";
import { Notice } from "../_ui/notice.tsx";
import { Progress } from "../_ui/progress.tsx";
import type { Going } from "./use-sending.ts";

interface SendingPanelProps {
  readonly going: Going;
  readonly onPause: () => void;
  readonly onGoOn: () => void;
  readonly onWithoutFailed: (() => void) | null;
  readonly onGiveUp: () => void;
}

/** How far all of it is, and what can be done about it. */
export function SendingPanel({ going, onPause, onGoOn, onWithoutFailed, onGiveUp }: SendingPanelProps) {
  const { phase, repo, sent, total, trouble, problem, failed } = going;
  const [asks, setAsks] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [phase]); // the button that was pressed is gone
  return (
    <section aria-labelledby="sending" className="rounded border border-line bg-raised p-4">
      <h2 id="sending" ref={heading} tabIndex={-1} className="text-title [overflow-wrap:anywhere] outline-none">
        {titles[phase]} <code>{repo}</code>
      </h2>
      <p className="mt-3 text-page font-semibold">{percentOf(going)}%</p>
      <div className="my-2">
        <Progress label="All of it sent" value={sent} max={Math.max(1, total)} />
      </div>
      <p className="min-h-12 text-quiet">{wordsOf(going)}</p>
      {trouble && phase === "sending" && <Notice kind="careful">{trouble}</Notice>}
      {problem && (
        <Notice kind="bad" alert>
          {problem}
        </Notice>
      )}
      {asks ? (
        <div role="group" aria-label="Cancel the upload" className="mt-4">
          <p>Discard what has arrived? The files on your disk stay as they are.</p>
          <div className="mt-2 flex flex-wrap gap-3">
            <Button look="danger" onClick={onGiveUp}>
              Discard it
            </Button>
            <Button onClick={() => setAsks(false)}>Keep it</Button>
          </div>
        </div>
      ) : (
        phase !== "done" && (
          <div className="mt-4 flex flex-wrap gap-3">
            {phase === "sending" && <Button onClick={onPause}>Pause</Button>}
            {phase !== "sending" && (
              <Button look="primary" onClick={onGoOn}>
                {failed.length > 0 && phase !== "paused" ? "Try again" : "Resume"}
              </Button>
            )}
            {onWithoutFailed && (
              <Button onClick={onWithoutFailed}>Continue without {failed.length === 1 ? "it" : "them"}</Button>
            )}
            <Button look="quiet" onClick={() => setAsks(true)}>
              Cancel
            </Button>
          </div>
        )
      )}
      {phase !== "done" && (
        <p className="mt-4 text-small text-quiet">
          You may close this page: choose the same files here again, and what has arrived is not sent twice.
        </p>
      )}
    </section>
  );
}

const titles: Readonly<Record<Going["phase"], string>> = {
  idle: "",
  sending: "Sending to",
  paused: "Paused:",
  stopped: "Stopped:",
  done: "Done:",
};

/** 100 only when the last byte is there. */
export const percentOf = ({ sent, total, phase }: Going): number =>
  phase === "done" ? 100 : Math.floor((100 * sent) / Math.max(1, total));

function wordsOf({ phase, sent, total, speed, progress }: Going): string {
  if (phase === "done") return "All of it is in the repo. Its page opens…";
  const amount = `${toBytes(sent)} of ${toBytes(total)}`;
  if (phase !== "sending") return `${amount} have arrived and are kept.`;
  if (sent >= total) {
    const read = [...progress.values()].filter(({ state }) => state === "reading").length;
    return read > 0
      ? `All bytes are there. A worker of the hub reads every one of them: ${read} ${read === 1 ? "file" : "files"} to go.`
      : "All of it was read; it is put into the repo.";
  }
  return speed === null
    ? amount
    : speed < 1
      ? `${amount}, nothing moves at the moment`
      : `${amount}, ${toBytes(Math.round(speed))}/s, ${toWait((total - sent) / speed)} left`;
}

/** No hundredths of a second for what is only an estimate. */
const toWait = (seconds: number): string => (seconds < 10 ? `${Math.ceil(seconds)} s` : toDuration(seconds));
