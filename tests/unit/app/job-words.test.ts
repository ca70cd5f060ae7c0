import { expect, test } from "vitest";
import { aheadOf, placeOf, progressOf, spansOf } from "../../../app/jobs/_parts/words.ts";

type Events = Parameters<typeof spansOf>[0];

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();
const event = (kind: Events[number]["kind"], second: number): Events[number] => ({
  kind,
  attempt: 1,
  message: "",
  at: at(second),
});

test("how far a job is, in words", () => {
  expect(progressOf({ progress: { stage: "pictures", done: 12, total: 48 } })).toEqual({
    words: "drawing and judging, picture 12 of 48",
    done: 12,
    total: 48,
  });
  expect(progressOf({ progress: { mode: "cfg", stage: "denoising", step: 3, steps: 20 } })?.words).toBe(
    "CFG, step 3 of 20",
  );
  expect(progressOf({ progress: { stage: "opening", done: 0, total: 20 } })?.words).toBe("opening the networks");
  for (const progress of [null, {}, { stage: "pictures" }, "half"]) expect(progressOf({ progress })).toBeNull();
});

test("its place in the queue, in words", () => {
  expect([0, 1, 1200].map(aheadOf)).toEqual(["next in the queue", "1 ahead in the queue", "1,200 ahead in the queue"]);
  expect(placeOf({ ahead: 2, running: 1, workers: 1, seconds: 240, problem: null })).toBe(
    "2 ahead in the queue; it begins in about 4 min.",
  );
  expect(placeOf({ ahead: 0, running: 0, workers: 1, seconds: 0, problem: null })).toBe(
    "It is next in the queue, and begins in a moment.",
  );
  expect(placeOf({ ahead: 0, running: 0, workers: 0, seconds: null, problem: null })).toMatch(/^No worker is online/);
  expect(placeOf(null)).toBe("");
});

test("how long it waited and took, of the last time that it was asked for", () => {
  expect(spansOf([event("queued", 0), event("started", 5), event("succeeded", 16)])).toEqual({ waited: 5, took: 11 });
  expect(
    spansOf(
      [event("queued", 0), event("started", 5), event("failed", 6), event("queued", 20), event("started", 22)],
      Date.parse(at(30)),
    ),
  ).toEqual({ waited: 2, took: 8 });
  expect(spansOf([event("queued", 0), event("cancelled", 4)])).toEqual({ waited: 4, took: null });
  expect(spansOf([event("queued", 0)], Date.parse(at(9)))).toEqual({ waited: 9, took: null });
  expect(
    spansOf([
      event("queued", 0),
      event("started", 1),
      event("retried", 8),
      event("started", 10),
      event("succeeded", 12),
    ]),
  ).toEqual({ waited: 10, took: 2 });
  expect(spansOf([])).toEqual({ waited: null, took: null });
});
