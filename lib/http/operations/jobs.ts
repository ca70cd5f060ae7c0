import { jobList, jobParams, jobQuery, jobTimeline, workerList } from "#lib/catalog/jobs/schema.ts";
import { operation } from "#lib/http/operation.ts";

export const listJobs = operation({
  id: "listJobs",
  method: "GET",
  path: "/api/v1/jobs",
  summary: "What workers do, did and will do, as far as you may see it; newest first",
  tag: "jobs",
  scope: "read",
  permission: "person",
  query: jobQuery,
  status: 200,
  response: jobList,
  failures: [],
});

export const getJob = operation({
  id: "getJob",
  method: "GET",
  path: "/api/v1/jobs/{subjectId}",
  summary: "Where a job is, and all that happened to it",
  tag: "jobs",
  scope: "read",
  permission: "seer of the job",
  params: jobParams,
  status: 200,
  response: jobTimeline,
  failures: ["not_found"],
});

export const cancelJob = operation({
  id: "cancelJob",
  method: "POST",
  path: "/api/v1/jobs/{subjectId}/cancel",
  summary: "Stop an upload, which takes the scope write, or a measurement or a preview, which take run",
  tag: "jobs",
  scope: ["write", "run"],
  permission: "canceller of the job",
  params: jobParams,
  status: 200,
  response: jobTimeline,
  failures: ["not_found", "already_ended"],
});

export const rerunJob = operation({
  id: "rerunJob",
  method: "POST",
  path: "/api/v1/jobs/{subjectId}/rerun",
  summary: "Once more: an inspection, which takes the scope write, or a measurement or a preview, which take run",
  tag: "jobs",
  scope: ["write", "run"],
  permission: "rerunner of the job",
  params: jobParams,
  status: 202,
  response: jobTimeline,
  failures: [
    "not_found",
    "repo_not_found",
    "conflict",
    "upload_not_ready",
    "unsupported_model",
    "pair_does_not_fit",
    "too_large",
    "queue_full",
    "too_little_memory",
  ],
});

export const listWorkers = operation({
  id: "listWorkers",
  method: "GET",
  path: "/api/v1/workers",
  summary: "The workers that are there now",
  tag: "jobs",
  scope: "read",
  permission: "person",
  status: 200,
  response: workerList,
  failures: [],
});
