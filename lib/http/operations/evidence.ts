import { periodList } from "#lib/catalog/periods/schema.ts";
import { z } from "zod";
import { inspectionQuery, inspectionView } from "#lib/catalog/inspections/schema.ts";
import { matrix, newCheck, pairList, pairQuery, pairView, partnerList } from "#lib/catalog/pairs/schema.ts";
import { envelopeAnswer } from "#lib/catalog/pairs/study-schema.ts";
import { comparison, newAnswer } from "#lib/catalog/comparisons/schema.ts";
import { repoParams } from "#lib/catalog/repos/schema.ts";
import { reportKeySet, signedReport } from "#lib/catalog/reports/schema.ts";
import { sheet } from "#lib/catalog/sheets/schema.ts";
import { operation } from "#lib/http/operation.ts";
import { pageQuery } from "#lib/page.ts";

const pairParams = z.object({ id: z.uuid() });

export const getInspection = operation({
  id: "getInspection",
  method: "GET",
  path: "/api/v1/repos/{owner}/{repo}/inspection",
  summary: "What a commit is: its kind, what runs it, and the base it was made from",
  tag: "evidence",
  scope: null,
  permission: "reader of the repo",
  params: repoParams,
  query: inspectionQuery,
  status: 200,
  response: inspectionView,
  failures: ["not_found", "repo_not_found", "revision_not_found"],
});

export const listGuides = operation({
  id: "listGuides",
  method: "GET",
  path: "/api/v1/repos/{owner}/{repo}/guides",
  summary:
    "The guides that work on a fine-tune or base, best proven first, and those of its base that are not measured yet",
  tag: "evidence",
  scope: null,
  permission: "reader of the repo",
  params: repoParams,
  query: pageQuery,
  status: 200,
  response: partnerList,
  failures: ["repo_not_found"],
});

export const listFits = operation({
  id: "listFits",
  method: "GET",
  path: "/api/v1/repos/{owner}/{repo}/fits",
  summary: "The models that a guide works on, best proven first, and those of its base that are not measured yet",
  tag: "evidence",
  scope: null,
  permission: "reader of the repo",
  params: repoParams,
  query: pageQuery,
  status: 200,
  response: partnerList,
  failures: ["repo_not_found"],
});

export const getMatrix = operation({
  id: "getMatrix",
  method: "GET",
  path: "/api/v1/repos/{owner}/{repo}/matrix",
  summary: "All fine-tunes of a base against all of its guides, with what was measured of each pair",
  tag: "evidence",
  scope: null,
  permission: "reader of the repo",
  params: repoParams,
  query: pageQuery,
  status: 200,
  response: matrix,
  failures: ["repo_not_found"],
});

export const requestCheck = operation({
  id: "requestCheck",
  method: "POST",
  path: "/api/v1/pairs",
  summary: "Measure a guide on a fine-tune; what has been measured is returned as it is",
  tag: "evidence",
  scope: "run",
  permission: "reader of both repos",
  body: newCheck,
  status: 202,
  response: pairView,
  failures: [
    "repo_not_found",
    "pair_does_not_fit",
    "unsupported_model",
    "upload_not_ready",
    "queue_full",
    "too_little_memory",
    "too_large",
  ],
});

export const listPairs = operation({
  id: "listPairs",
  method: "GET",
  path: "/api/v1/pairs",
  summary: "Measurements, newest first",
  tag: "evidence",
  scope: null,
  permission: "anyone",
  query: pairQuery,
  status: 200,
  response: pairList,
  failures: ["repo_not_found"],
});

export const getPair = operation({
  id: "getPair",
  method: "GET",
  path: "/api/v1/pairs/{id}",
  summary: "A measurement with all its numbers",
  tag: "evidence",
  scope: null,
  permission: "reader of both repos",
  params: pairParams,
  query: z.object({ raw: z.stringbool().default(false).meta({ description: "down to the value of every sample" }) }),
  status: 200,
  response: pairView,
  failures: ["not_found"],
});

export const getSheet = operation({
  id: "getSheet",
  method: "GET",
  path: "/api/v1/pairs/{id}/sheet",
  summary: "The pictures that the hub drew of a pair: the same prompts and seeds for all, in every mode",
  tag: "evidence",
  scope: null,
  permission: "reader of both repos",
  params: pairParams,
  status: 200,
  response: sheet,
  failures: ["not_found"],
});

export const watchPair = operation({
  id: "watchPair",
  method: "GET",
  path: "/api/v1/pairs/{id}/events",
  summary: "A measurement as it moves, as server-sent events: state, progress, end; failure where it cannot go on",
  tag: "evidence",
  scope: null,
  permission: "reader of both repos",
  params: pairParams,
  status: 200,
  response: "text/event-stream",
  failures: ["not_found", "rate_limited"],
});

export const cancelPair = operation({
  id: "cancelPair",
  method: "POST",
  path: "/api/v1/pairs/{id}/cancel",
  summary: "Stop a measurement that you asked for, or of a repo that you may write to",
  tag: "evidence",
  scope: "run",
  permission: "waiter for the measurement, or writer",
  params: pairParams,
  status: 200,
  response: pairView,
  failures: ["not_found", "already_ended"],
});

export const getEnvelope = operation({
  id: "getEnvelope",
  method: "GET",
  path: "/api/v1/pairs/{id}/envelope",
  summary: "Where a guide is at its best on a model, and what finding it costs",
  tag: "evidence",
  scope: null,
  permission: "reader of both repos",
  params: pairParams,
  query: z.object({ raw: z.stringbool().default(false).meta({ description: "down to the value of every prompt" }) }),
  status: 200,
  response: envelopeAnswer,
  failures: ["not_found"],
});

export const requestEnvelope = operation({
  id: "requestEnvelope",
  method: "POST",
  path: "/api/v1/pairs/{id}/envelope",
  summary: "Find the strength, the CFG steps and the guidance at which a guide is at its best on a model",
  tag: "evidence",
  scope: "run",
  permission: "reader of both repos",
  params: pairParams,
  status: 202,
  response: envelopeAnswer,
  failures: ["not_found", "conflict", "queue_full", "rate_limited", "too_little_memory"],
});

export const getComparison = operation({
  id: "getComparison",
  method: "GET",
  path: "/api/v1/pairs/{id}/comparison",
  summary:
    "“Can you tell?”: two pictures of one seed, guide and CFG, not saying which is which; and what people said so far",
  tag: "evidence",
  scope: null,
  permission: "reader of both repos",
  params: pairParams,
  status: 200,
  response: comparison,
  failures: ["not_found"],
});

export const getComparisonPicture = operation({
  id: "getComparisonPicture",
  method: "GET",
  path: "/api/v1/pairs/{id}/comparison/{question}/picture",
  summary: "The two pictures of a question as one PNG, the first on the left, for whoever it is asked",
  tag: "evidence",
  scope: null,
  permission: "reader of both repos, who is asked",
  params: pairParams.extend({ question: newAnswer.shape.question }),
  status: 200,
  response: "image/png",
  failures: ["not_found", "storage_unavailable"],
});

export const answerComparison = operation({
  id: "answerComparison",
  method: "POST",
  path: "/api/v1/pairs/{id}/comparison",
  summary: "Say which of the two follows its prompt better; once for each prompt. A token needs the scope run",
  tag: "evidence",
  scope: null,
  permission: "reader of both repos, who is asked",
  params: pairParams,
  body: newAnswer,
  status: 200,
  response: comparison,
  failures: ["not_found", "conflict", "rate_limited"],
});

export const getReport = operation({
  id: "getReport",
  method: "GET",
  path: "/api/v1/pairs/{id}/report",
  summary: "A measurement with the value of every prompt, signed by this hub: `guidepost verify` checks it anywhere",
  tag: "evidence",
  scope: null,
  permission: "reader of both repos",
  params: pairParams,
  status: 200,
  response: signedReport,
  failures: ["not_found", "conflict"],
});

export const getPeriods = operation({
  id: "getPeriods",
  method: "GET",
  path: "/.well-known/guidepost-periods.json",
  summary: "What this hub has committed itself to draw when it measures, period by period; told once a period is over",
  tag: "evidence",
  scope: null,
  permission: "anyone",
  status: 200,
  response: periodList,
  failures: [],
});

export const getReportKeys = operation({
  id: "getReportKeys",
  method: "GET",
  path: "/.well-known/guidepost-report-keys.json",
  summary: "The public keys that reports of this hub were ever signed with, as a JSON Web Key Set",
  tag: "evidence",
  scope: null,
  permission: "anyone",
  status: 200,
  response: reportKeySet,
  failures: [],
});
