import { z } from "zod";
import { auditList, auditQuery } from "#lib/catalog/audit/schema.ts";
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
