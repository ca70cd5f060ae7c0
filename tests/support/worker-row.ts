import { randomUUID } from "node:crypto";
import type { WorkerRow } from "#lib/queue/repository.ts";

/** A worker as it registers itself, with so many places for networks. Nobody works behind it. */
export const workerRow = (places: number): WorkerRow => ({
  id: randomUUID(),
  host: "here",
  pid: 1,
  version: "1",
  runtime: "cpu-f32",
  provider: "cpu",
  memory: 8e9,
  places,
});
