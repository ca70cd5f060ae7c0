import { createElement, type FunctionComponent } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import type { JobItem } from "#lib/catalog/jobs/schema.ts";
import { JobRow } from "../../../app/jobs/_parts/row.tsx";
import { Workers } from "../../../app/jobs/_parts/workers.tsx";

const drawn = <Props extends object>(part: FunctionComponent<Props>, props: Props): string =>
  renderToStaticMarkup(createElement(part, props));

const job: JobItem = {
  subjectId: "0193a1c2-0000-7000-8000-000000000001",
  kind: "check",
  state: "queued",
  attempt: 0,
  repo: "ann/pencil",
  guide: "ann/tiny",
  path: null,
  pair: null,
  progress: null,
  problem: null,
  ahead: 3,
  mayChange: true,
  createdAt: "2026-01-01T12:00:00.000Z",
};
const buttonOf = (change: Partial<JobItem>, mayAct = true): string | undefined =>
  /action="\/jobs\/[0-9a-f-]+\/(\w+)"/.exec(drawn(JobRow, { job: { ...job, ...change }, mayAct }))?.[1];

test("where no worker is online a page says what to do, and that nothing is lost", () => {
  expect(drawn(Workers, { workers: [], waiting: 2 })).toMatch(
    /No worker is online\. What waits begins as soon as one is; nothing is lost\.[^]*npx guidepost worker/,
  );
  expect(drawn(Workers, { workers: [], waiting: 0 })).toContain("What is asked for now waits until one is.");
  const at = new Date().toISOString();
  const worker = { id: job.subjectId, name: "worker 1", version: "1", runtime: "cpu-f32", startedAt: at, seenAt: at };
  for (const [host, memory, shown] of [
    ["gpu-1", 8e9, /One worker is online: [^]*gpu-1[^]*cpu-f32, 8.00 GB of memory, began <time[^>]*>just now/],
    [null, null, /One worker is online: [^]*worker 1[^]*cpu-f32, began <time[^>]*>just now/],
  ] as const)
    expect(drawn(Workers, { workers: [{ ...worker, host, memory }], waiting: 0 })).toMatch(shown);
});

test("a row says how far its job is", () => {
  expect(drawn(JobRow, { job, mayAct: false })).toContain("3 ahead in the queue");
  expect(
    drawn(JobRow, {
      job: { ...job, state: "running", progress: { stage: "pictures", done: 12, total: 48 } },
      mayAct: false,
    }),
  ).toMatch(/aria-valuenow="25"[^]*picture 12 of 48/);
  expect(drawn(JobRow, { job: { ...job, state: "failed", problem: "the disk is full" }, mayAct: false })).toContain(
    "the disk is full",
  );
});

test("a button is there for who may, where it does something", () => {
  expect(buttonOf({})).toBe("cancel");
  expect(buttonOf({}, false)).toBeUndefined();
  expect(buttonOf({ mayChange: false })).toBeUndefined();
  expect(buttonOf({ kind: "inspect" })).toBeUndefined();
  expect(buttonOf({ state: "succeeded" })).toBeUndefined();
  expect(buttonOf({ state: "failed", mayChange: false })).toBe("rerun"); // anybody may ask for a measurement
  expect(buttonOf({ state: "failed", kind: "inspect", mayChange: false })).toBeUndefined();
  expect(buttonOf({ state: "failed", kind: "inspect" })).toBe("rerun");
  expect(buttonOf({ state: "failed", kind: "hash" })).toBeUndefined(); // its bytes are gone
});
