import {
  commitItem,
  commitList,
  commitResult,
  historyQuery,
  MAX_BODY_BYTES,
  newCommit,
} from "#lib/catalog/commits/schema.ts";
import { tree, treeQuery } from "#lib/catalog/files/schema.ts";
import { storableText } from "#lib/catalog/plain-text.ts";
import { repoParams } from "#lib/catalog/repos/schema.ts";
import { operation } from "#lib/http/operation.ts";

export const createCommit = operation({
  id: "createCommit",
  method: "POST",
  path: "/api/v1/repos/{owner}/{repo}/commits",
  summary: "Add, delete and copy files, all of them or none",
  tag: "files",
  scope: "write",
  permission: "writer of the repo",
  params: repoParams,
  body: newCommit,
  bodyLimit: MAX_BODY_BYTES,
  status: 201,
  response: commitResult,
  failures: [
    "repo_not_found",
    "revision_not_found",
    "file_not_found",
    "not_found",
    "ref_moved",
    "conflict",
    "upload_not_ready",
    "already_ended",
    "too_large",
    "unsupported_model",
    "queue_full",
    "quota_exceeded",
    "storage_unavailable",
    "disk_full",
  ],
});

export const listCommits = operation({
  id: "listCommits",
  method: "GET",
  path: "/api/v1/repos/{owner}/{repo}/commits",
  summary: "The history, newest first",
  tag: "files",
  scope: null,
  permission: "reader of the repo",
  params: repoParams,
  query: historyQuery,
  status: 200,
  response: commitList,
  failures: ["repo_not_found", "revision_not_found"],
});

export const getCommit = operation({
  id: "getCommit",
  method: "GET",
  path: "/api/v1/repos/{owner}/{repo}/commits/{revision}",
  summary: "The commit that a branch, a tag or the beginning of an id names",
  tag: "files",
  scope: null,
  permission: "reader of the repo",
  params: repoParams.extend({ revision: storableText(255) }),
  status: 200,
  response: commitItem,
  failures: ["repo_not_found", "revision_not_found"],
});

export const listTree = operation({
  id: "listTree",
  method: "GET",
  path: "/api/v1/repos/{owner}/{repo}/tree",
  summary: "The files and folders of a revision",
  tag: "files",
  scope: null,
  permission: "reader of the repo",
  params: repoParams,
  query: treeQuery,
  status: 200,
  response: tree,
  failures: ["repo_not_found", "revision_not_found", "file_not_found"],
});
