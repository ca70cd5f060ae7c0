import { newRef, refItem, refList, refName, refQuery } from "#lib/catalog/refs/schema.ts";
import { newRepo, repoChange, repoItem, repoList, repoPage, repoParams, repoQuery } from "#lib/catalog/repos/schema.ts";
import { operation } from "#lib/http/operation.ts";

export const listRepos = operation({
  id: "listRepos",
  method: "GET",
  path: "/api/v1/repos",
  summary: "Find models and guides",
  tag: "repos",
  scope: null,
  permission: "anyone",
  query: repoQuery,
  status: 200,
  response: repoList,
  failures: ["repo_not_found"],
});

export const createRepo = operation({
  id: "createRepo",
  method: "POST",
  path: "/api/v1/repos",
  summary: "Make an empty repo",
  tag: "repos",
  scope: "write",
  permission: "writer of the namespace",
  body: newRepo,
  status: 201,
  response: repoItem,
  failures: ["not_found", "repo_not_found", "conflict", "too_large", "quota_exceeded"],
});

export const getRepo = operation({
  id: "getRepo",
  method: "GET",
  path: "/api/v1/repos/{owner}/{repo}",
  summary: "All that the page of a repo shows",
  tag: "repos",
  scope: null,
  permission: "reader of the repo",
  params: repoParams,
  status: 200,
  response: repoPage,
  failures: ["repo_not_found"],
});

export const updateRepo = operation({
  id: "updateRepo",
  method: "PATCH",
  path: "/api/v1/repos/{owner}/{repo}",
  summary: "Change what is said of a repo, or who may see it",
  tag: "repos",
  scope: "write",
  permission: "writer of the repo",
  params: repoParams,
  body: repoChange,
  status: 200,
  response: repoItem,
  failures: ["repo_not_found", "too_large"],
});

export const deleteRepo = operation({
  id: "deleteRepo",
  method: "DELETE",
  path: "/api/v1/repos/{owner}/{repo}",
  summary: "Delete a repo: hidden at once, removed after the grace",
  tag: "repos",
  scope: "write",
  permission: "owner of the repo",
  params: repoParams,
  status: 204,
  failures: ["repo_not_found"],
});

export const listRefs = operation({
  id: "listRefs",
  method: "GET",
  path: "/api/v1/repos/{owner}/{repo}/refs",
  summary: "Branches and tags",
  tag: "repos",
  scope: null,
  permission: "reader of the repo",
  params: repoParams,
  query: refQuery,
  status: 200,
  response: refList,
  failures: ["repo_not_found"],
});

export const createRef = operation({
  id: "createRef",
  method: "POST",
  path: "/api/v1/repos/{owner}/{repo}/refs",
  summary: "Make a branch, or a tag that never moves",
  tag: "repos",
  scope: "write",
  permission: "writer of the repo",
  params: repoParams,
  body: newRef,
  status: 201,
  response: refItem,
  failures: ["repo_not_found", "revision_not_found", "conflict", "too_large"],
});

export const deleteRef = operation({
  id: "deleteRef",
  method: "DELETE",
  path: "/api/v1/repos/{owner}/{repo}/refs/{name}",
  summary: "Delete a branch or a tag; its commits stay",
  tag: "repos",
  scope: "write",
  permission: "writer of the repo",
  params: repoParams.extend({ name: refName }),
  status: 204,
  failures: ["repo_not_found", "revision_not_found", "conflict"],
});
