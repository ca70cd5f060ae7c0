import type { Door } from "#lib/http/door.ts";

// What the clients of the Hugging Face Hub read, at the addresses at which they ask. Those that write are in writing-doors.ts.

const read = { method: "GET", scope: null, permission: "reader of the repo" } as const satisfies Partial<Door>;

export const hubWhoAmI = {
  id: "hubWhoAmI",
  method: "GET",
  path: "/api/whoami-v2",
  scope: "read",
  permission: "person",
} as const satisfies Door;

export const hubListModels = {
  id: "hubListModels",
  method: "GET",
  path: "/api/models",
  scope: null,
  permission: "anyone",
} as const satisfies Door;

export const hubModel = { ...read, id: "hubModel", path: "/api/models/{owner}/{repo}" } as const satisfies Door;

export const hubModelAtRevision = {
  ...read,
  id: "hubModelAtRevision",
  path: "/api/models/{owner}/{repo}/revision/{revision}",
} as const satisfies Door;

export const hubTree = {
  ...read,
  id: "hubTree",
  path: "/api/models/{owner}/{repo}/tree/{revision}",
} as const satisfies Door;

export const hubFolder = {
  ...read,
  id: "hubFolder",
  path: "/api/models/{owner}/{repo}/tree/{revision}/{path}",
} as const satisfies Door;

/** Changes nothing: its body is a list of paths that may be too long for an address. */
export const hubPathsInfo = {
  ...read,
  id: "hubPathsInfo",
  method: "POST",
  path: "/api/models/{owner}/{repo}/paths-info/{revision}",
} as const satisfies Door;

export const hubRefs = { ...read, id: "hubRefs", path: "/api/models/{owner}/{repo}/refs" } as const satisfies Door;

export const hubCommits = {
  ...read,
  id: "hubCommits",
  path: "/api/models/{owner}/{repo}/commits/{revision}",
} as const satisfies Door;

export const hubAuthCheck = {
  ...read,
  id: "hubAuthCheck",
  path: "/api/models/{owner}/{repo}/auth-check",
} as const satisfies Door;

export const hubAuthCheckToWrite = {
  id: "hubAuthCheckToWrite",
  method: "GET",
  path: "/api/models/{owner}/{repo}/auth-check/write",
  scope: "write",
  permission: "writer of the repo",
} as const satisfies Door;

export const hubRaw = {
  ...read,
  id: "hubRaw",
  path: "/{owner}/{repo}/raw/{revision}/{path}",
} as const satisfies Door;

/** All that other hubs answer under `/api`, and this one does not. */
export const hubNotHere = {
  id: "hubNotHere",
  method: "GET",
  path: "/api/{rest}",
  scope: null,
  permission: "anyone",
} as const satisfies Door;

export const hubDatasets = { ...hubNotHere, id: "hubDatasets", path: "/datasets/{rest}" } as const satisfies Door;
export const hubSpaces = { ...hubNotHere, id: "hubSpaces", path: "/spaces/{rest}" } as const satisfies Door;
export const hubOauth = { ...hubNotHere, id: "hubOauth", path: "/oauth/{rest}" } as const satisfies Door;
