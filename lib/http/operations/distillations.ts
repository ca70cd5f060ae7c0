import {
  costQuery,
  distillationCost,
  distillationList,
  distillationParams,
  distillationQuery,
  distillationView,
  newDistillation,
  sampleParams,
} from "#lib/catalog/distillations/schema.ts";
import { operation } from "#lib/http/operation.ts";

const ofBase = ["repo_not_found", "revision_not_found", "not_found", "upload_not_ready", "unsupported_model"] as const;
const ofQueue = ["queue_full", "rate_limited", "too_little_memory"] as const;

export const createDistillation = operation({
  id: "createDistillation",
  method: "POST",
  path: "/api/v1/distillations",
  summary: "Make a guide of a base, and publish it in a repo that is made for it; takes the scope write, too",
  tag: "distillations",
  scope: "run",
  permission: "writer of the namespace",
  body: newDistillation,
  status: 202,
  response: distillationView,
  failures: [...ofBase, ...ofQueue, "conflict", "quota_exceeded", "too_large"],
});

export const listDistillations = operation({
  id: "listDistillations",
  method: "GET",
  path: "/api/v1/distillations",
  summary: "Guides that are made or were, as far as you may see their repos and bases; newest first",
  tag: "distillations",
  scope: null,
  permission: "anyone",
  query: distillationQuery,
  status: 200,
  response: distillationList,
  failures: ["unauthenticated", "forbidden"],
});

export const estimateDistillation = operation({
  id: "estimateDistillation",
  method: "GET",
  path: "/api/v1/distillations/estimate",
  summary: "What making a guide of a base would cost: memory, multiply–accumulates, and about how long",
  tag: "distillations",
  scope: null,
  permission: "reader of the repo",
  query: costQuery,
  status: 200,
  response: distillationCost,
  failures: ofBase,
});

const ofOne = { tag: "distillations", permission: "reader of the repo", params: distillationParams } as const;

export const getDistillation = operation({
  ...ofOne,
  id: "getDistillation",
  method: "GET",
  path: "/api/v1/distillations/{id}",
  summary: "A distillation with its state, its curves and what was held out",
  scope: null,
  status: 200,
  response: distillationView,
  failures: ["not_found"],
});

export const watchDistillation = operation({
  ...ofOne,
  id: "watchDistillation",
  method: "GET",
  path: "/api/v1/distillations/{id}/events",
  summary: "A distillation as it moves, as server-sent events: state, progress, end; failure where it cannot go on",
  scope: null,
  status: 200,
  response: "text/event-stream",
  failures: ["not_found"],
});

export const getDistillationMetrics = operation({
  ...ofOne,
  id: "getDistillationMetrics",
  method: "GET",
  path: "/api/v1/distillations/{id}/metrics.csv",
  summary: "The loss of every step, and what was held out where it was looked at, as a table",
  scope: null,
  status: 200,
  response: "text/csv",
  failures: ["not_found"],
});

export const getDistillationSample = operation({
  ...ofOne,
  params: sampleParams,
  id: "getDistillationSample",
  method: "GET",
  path: "/api/v1/distillations/{id}/samples/{sample}",
  summary: "A held-out prompt as the guide draws it after so many steps, or as CFG does, as PNG",
  scope: null,
  status: 200,
  response: "image/png",
  failures: ["not_found"],
});

const ofItsWriter = { ...ofOne, scope: "run", permission: "writer of the repo", response: distillationView } as const;

export const pauseDistillation = operation({
  ...ofItsWriter,
  id: "pauseDistillation",
  method: "POST",
  path: "/api/v1/distillations/{id}/pause",
  summary: "Stop it and keep its last checkpoint; takes the scope write, too",
  status: 200,
  failures: ["not_found", "already_ended"],
});

export const resumeDistillation = operation({
  ...ofItsWriter,
  id: "resumeDistillation",
  method: "POST",
  path: "/api/v1/distillations/{id}/resume",
  summary: "Go on from its last checkpoint, or begin anew what was cancelled; takes the scope write, too",
  status: 202,
  failures: [...ofBase, ...ofQueue, "conflict"],
});

export const cancelDistillation = operation({
  ...ofItsWriter,
  id: "cancelDistillation",
  method: "POST",
  path: "/api/v1/distillations/{id}/cancel",
  summary: "End it and forget its checkpoint; the guide's repo stays; takes the scope write, too",
  status: 200,
  failures: ["not_found", "already_ended"],
});
