import { z } from "zod";
import { auditList, auditQuery } from "#lib/catalog/audit/schema.ts";
import { installedEvaluator, newEvaluator } from "#lib/catalog/evaluators/schema.ts";
import { pageOf } from "#lib/page.ts";
import { operation } from "../operation.ts";

const part = z.object({
  ok: z.boolean(),
  problem: z.string().nullable().meta({ description: "What is wrong, and what to do." }),
});

export const Readiness = z.object({
  ready: z
    .boolean()
    .meta({ description: "Whether requests can be served. A hub without a worker serves them and previews wait." }),
  database: part,
  storage: part,
  worker: part,
});

export const getOpenApi = operation({
  id: "getOpenApi",
  method: "GET",
  path: "/api/v1/openapi.json",
  summary: "This document",
  tag: "hub",
  scope: null,
  permission: "anyone",
  status: 200,
  response: z.looseObject({ openapi: z.string() }),
  failures: [],
});

export const getHealth = operation({
  id: "getHealth",
  method: "GET",
  path: "/healthz",
  summary: "Whether the web process is alive; asks nothing else",
  tag: "hub",
  scope: null,
  permission: "anyone",
  status: 200,
  response: z.object({ alive: z.literal(true), version: z.string() }),
  failures: [],
});

export const getReadiness = operation({
  id: "getReadiness",
  method: "GET",
  path: "/readyz",
  summary: "Whether database and storage answer and a worker was seen; 503 where requests cannot be served",
  tag: "hub",
  scope: null,
  permission: "anyone",
  status: 200,
  response: Readiness,
  failures: [],
});

export const listEvaluators = operation({
  id: "listEvaluators",
  method: "GET",
  path: "/api/v1/evaluators",
  summary: "What judges pairs on this hub, as its operators chose it",
  tag: "hub",
  scope: null,
  permission: "anyone",
  status: 200,
  response: pageOf(installedEvaluator),
  failures: [],
});

export const installEvaluator = operation({
  id: "installEvaluator",
  method: "POST",
  path: "/api/v1/evaluators",
  summary: "Let an evaluator judge; what others measured stays, and is shown as stale. For operators, needs a session",
  tag: "hub",
  scope: "write",
  permission: "operator",
  body: newEvaluator,
  status: 201,
  response: installedEvaluator,
  failures: ["repo_not_found", "not_found", "unsupported_model", "upload_not_ready", "conflict"],
});

export const removeEvaluator = operation({
  id: "removeEvaluator",
  method: "DELETE",
  path: "/api/v1/evaluators/{id}",
  summary: "Let an evaluator judge no more; what it measured stays. For operators, needs a session",
  tag: "hub",
  scope: "write",
  permission: "operator",
  params: z.object({ id: z.uuid() }),
  status: 204,
  failures: ["not_found"],
});

export const listAudit = operation({
  id: "listAudit",
  method: "GET",
  path: "/api/v1/audit",
  summary: "What people did on this hub; for operators, needs a session",
  tag: "hub",
  scope: "read",
  permission: "operator",
  query: auditQuery,
  status: 200,
  response: auditList,
  failures: ["not_found"],
});
