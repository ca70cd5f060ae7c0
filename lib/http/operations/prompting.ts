import { prompting } from "#lib/catalog/prompting/schema.ts";
import { repoParams } from "#lib/catalog/repos/schema.ts";
import { operation } from "#lib/http/operation.ts";

export const getPrompting = operation({
  id: "getPrompting",
  method: "GET",
  path: "/api/v1/repos/{owner}/{repo}/prompting",
  summary:
    "What to write for a model: prompts that suit it, the words it knows where they are few, what triggers its style",
  tag: "repos",
  scope: null,
  permission: "reader of the repo",
  params: repoParams,
  status: 200,
  response: prompting,
  failures: ["repo_not_found", "revision_not_found"],
});
