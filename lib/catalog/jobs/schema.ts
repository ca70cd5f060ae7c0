import { z } from "zod";
import { jobState } from "#lib/catalog/inspections/schema.ts";
import { pageOf, pageQuery } from "#lib/page.ts";
import { jobKinds } from "#lib/queue/jobs.ts";

export const jobKind = z.enum(jobKinds).meta({
  description:
    "hash: an upload is read; inspect: a commit is; check: a guide is measured on a model; preview: pictures are drawn; curve: what else could be done with a guide's passes is measured; envelope: where a guide is at its best is found; distill: a guide is made of a base",
});
export { jobState };

export const jobItem = z.object({
  subjectId: z.uuid().meta({
    description: "of the upload, inspection, pair, preview, curve, envelope or distillation that the job is about",
  }),
  kind: jobKind,
  state: jobState,
  attempt: z.int().meta({ description: "how often a worker took it" }),
  repo: z.string().meta({ description: "like owner/repo: what is uploaded to, inspected, measured or drawn with" }),
  guide: z.string().nullable().meta({ description: "the repo of the guide, where one takes part" }),
  path: z.string().nullable().meta({ description: "of an uploaded file" }),
  pair: z.uuid().nullable().meta({ description: "the measurement that it belongs to" }),
  progress: z.unknown().meta({ description: "how far the attempt that runs is" }),
  problem: z.string().nullable().meta({ description: "why it failed" }),
  ahead: z.int().nullable().meta({ description: "how many are begun before it, while it waits" }),
  mayChange: z.boolean().meta({ description: "whether you may cancel it; an inspection: ask for it again" }),
  createdAt: z.iso.datetime(),
});
export type JobItem = z.output<typeof jobItem>;

export const jobQuery = z.object({
  ...pageQuery.shape,
  state: jobState.optional(),
  kind: jobKind.optional(),
  mine: z
    .stringbool()
    .default(false)
    .meta({ description: "only what you asked for, or what follows from your commits" }),
});
export type JobQuery = z.output<typeof jobQuery>;

export const jobList = pageOf(jobItem);
export type JobList = z.output<typeof jobList>;

export const jobParams = z.object({ subjectId: z.uuid() });

export const jobTimeline = jobItem.extend({
  position: z
    .object({
      ahead: z.int(),
      running: z.int(),
      workers: z.int(),
      seconds: z.number().nullable().meta({ description: "until it begins, as far as earlier jobs tell" }),
      problem: z.string().nullable().meta({ description: "why none of the workers begins it, where that is so" }),
    })
    .nullable()
    .meta({ description: "its place in the queue, while it waits" }),
  events: z.array(
    z.object({
      kind: z.enum(["queued", "started", "progress", "retried", "succeeded", "failed", "cancelled"]),
      attempt: z.int(),
      message: z.string(),
      at: z.iso.datetime(),
    }),
  ),
});
export type JobTimeline = z.output<typeof jobTimeline>;

export const workerList = z.object({
  items: z.array(
    z.object({
      id: z.uuid(),
      name: z.string().meta({ description: "“worker 1” is there the longest" }),
      host: z.string().nullable().meta({ description: "its machine; told to operators" }),
      version: z.string(),
      runtime: z.string().meta({ description: "provider and data type, like cpu-f32" }),
      memory: z.number().nullable().meta({
        description: "bytes that its networks may take together, told to operators; null where nothing limits them",
      }),
      startedAt: z.iso.datetime(),
      seenAt: z.iso.datetime(),
    }),
  ),
});
export type WorkerList = z.output<typeof workerList>;
