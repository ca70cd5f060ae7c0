import type { Door } from "./door.ts";

/** Ways in that are no endpoint of the API: files, signed addresses, and what only pages use. */
export const downloadFile = {
  id: "downloadFile",
  method: "GET",
  path: "/{owner}/{repo}/resolve/{revision}/{path}",
  scope: null,
  permission: "reader of the repo",
} as const satisfies Door;

export const getObject = {
  id: "getObject",
  method: "GET",
  path: "/storage/{key}",
  scope: null,
  permission: "holder of the address",
} as const satisfies Door;

export const putPart = { ...getObject, id: "putPart", method: "PUT" } as const satisfies Door;

export const getMatrixTable = {
  id: "getMatrixTable",
  method: "GET",
  path: "/matrix/table.csv",
  scope: null,
  permission: "reader of the repo",
} as const satisfies Door;

export const setTheme = {
  id: "setTheme",
  method: "POST",
  path: "/theme",
  scope: null,
  permission: "anyone",
} as const satisfies Door;

export const getPairValues = {
  id: "getPairValues",
  method: "GET",
  path: "/pairs/{id}/values.csv",
  scope: null,
  permission: "reader of both repos",
} as const satisfies Door;

export const getPairWays = {
  ...getPairValues,
  id: "getPairWays",
  path: "/pairs/{id}/ways.csv",
} as const satisfies Door;

export const getPairTrials = {
  ...getPairValues,
  id: "getPairTrials",
  path: "/pairs/{id}/envelope.csv",
} as const satisfies Door;

export const getPairBadge = {
  ...getPairValues,
  id: "getPairBadge",
  path: "/pairs/{id}/badge.svg",
} as const satisfies Door;
