import { useEffect, useRef, useState } from "react";
import { toPlural } from "../_page/units.ts";
import type { ChosenFile } from "./dropped-files.ts";
import { Refusal } from "./hub-api.ts";
import type { Memory } from "./memory.ts";
import { commitFiles, discard, type FileProgress, sendFiles } from "./send.ts";

export type Phase = "idle" | "sending" | "paused" | "stopped" | "done";

/** How an upload is going, as it is shown a few times a second. */
export interface Going {
  readonly phase: Phase;
  readonly repo: string;
  readonly progress: ReadonlyMap<string, FileProgress>;
  readonly sent: number;
  readonly total: number;
  /** Bytes a second of the last few seconds; null where that is not known yet. */
  readonly speed: number | null;
  /** The hub or the way to it is away; it is tried again. */
  readonly trouble: string | null;
  /** Why it stopped. */
  readonly problem: string | null;
  readonly failed: readonly string[];
}

const idle: Going = {
  phase: "idle",
  repo: "",
  progress: new Map(),
  sent: 0,
  total: 0,
  speed: null,
  trouble: null,
  problem: null,
  failed: [],
};
const SHOWN_MS = 250;
const SPEED_MS = 5000;

export interface Upload {
  readonly going: Going;
  readonly start: (repo: string, files: readonly ChosenFile[]) => Promise<void>;
  readonly pause: () => void;
  /** Gives up: what has arrived is thrown away. */
  readonly giveUp: () => Promise<void>;
  readonly clear: () => void;
}

/** Sends files to a repo, and tells how it goes. */
export function useSending(memory: Memory): Upload {
  const [going, setGoing] = useState(idle);
  const stop = useRef(new AbortController());
  const { phase, repo } = going;

  useEffect(() => {
    if (phase === "done") location.href = `/${repo}`;
    if (phase !== "sending") return;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault(); // what has arrived stays, what is on its way is sent again
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [phase, repo]);

  const start = async (to: string, files: readonly ChosenFile[]): Promise<void> => {
    const { signal } = (stop.current = new AbortController());
    const progress = new Map<string, FileProgress>();
    const speeds: { at: number; moved: number }[] = [];
    let [moved, trouble]: [number, string | null] = [0, null];
    const total = files.reduce((sum, { file }) => sum + file.size, 0);
    const show = (now: Partial<Going>): void => {
      const at = performance.now();
      while (speeds.length > 0 && speeds[0]!.at < at - SPEED_MS) speeds.shift();
      const first = speeds[0];
      speeds.push({ at, moved });
      const sent = [...progress.values()].reduce((sum, each) => sum + each.sent, 0);
      setGoing({
        ...idle,
        repo: to,
        progress: new Map(progress),
        sent,
        total,
        speed: first && at - first.at > 900 ? ((moved - first.moved) * 1000) / (at - first.at) : null,
        trouble,
        phase: "sending",
        ...now,
      });
    };
    show({});
    const timer = setInterval(() => show({}), SHOWN_MS);
    const sending = {
      repo: to,
      files,
      memory,
      signal,
      tell: (path: string, at: FileProgress) => void progress.set(path, at),
      moved: (bytes: number) => void (moved += bytes),
      trouble: (sentence: string | null) => void (trouble = sentence),
    };
    const end = (last: Partial<Going>): void => {
      clearInterval(timer);
      trouble = null;
      if (signal === stop.current.signal) show(last);
    };
    try {
      const { operations, failed } = await sendFiles(sending);
      if (failed.length > 0)
        return end({
          phase: "stopped",
          failed,
          problem: `${toPlural(failed.length, "file")} ${failed.length === 1 ? "was" : "were"} not taken; the reason stands beside ${failed.length === 1 ? "it" : "each"}. ${operations.length > 0 ? "What has arrived is kept, and n" : "N"}othing is in the repo yet.`,
        });
      await commitFiles(sending, operations);
      end({ phase: "done" });
    } catch (cause) {
      await new Promise((resolve) => setTimeout(resolve)); // parts that were on their way take themselves back
      if (signal.aborted) return end({ phase: "paused" });
      const sentence =
        cause instanceof Refusal ? cause.message : `The hub could not be reached (${(cause as Error).message}).`;
      end({ phase: "stopped", problem: `${sentence} What has arrived is kept.` });
    }
  };

  return {
    going,
    start,
    pause: () => stop.current.abort(new Error("paused")),
    giveUp: async () => {
      stop.current.abort(new Error("given up"));
      stop.current = new AbortController(); // so that what ends now is not shown
      await discard(repo, memory);
      setGoing(idle);
    },
    clear: () => setGoing(idle),
  };
}
