import type { DescribedOperation } from "#lib/http/openapi.ts";
import type { Operation } from "#lib/http/operation.ts";

/** What the groups of endpoints are called. */
const titles: Readonly<Record<Operation["tag"], string>> = {
  account: "Accounts, tokens and organisations",
  repos: "Models, guides and their versions",
  files: "Files",
  uploads: "Uploads",
  evidence: "Measurements",
  previews: "Previews",
  distillations: "Distillations",
  jobs: "Jobs",
  hub: "The hub",
};

export const titleOf = ({ tags: [tag] }: Pick<DescribedOperation, "tags">): string => titles[tag as Operation["tag"]];
