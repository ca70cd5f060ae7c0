import { requireRead } from "#lib/auth/access.ts";
import { auditQuery } from "#lib/catalog/audit/schema.ts";
import { listAudit } from "#lib/catalog/audit/service.ts";
import { historyQuery } from "#lib/catalog/commits/schema.ts";
import { countCommits, listCommits } from "#lib/catalog/commits/service.ts";
import { getTally } from "#lib/catalog/comparisons/service.ts";
import { listEvaluators } from "#lib/catalog/evaluators/service.ts";
import { treeQuery } from "#lib/catalog/files/schema.ts";
import { findFile, listTree } from "#lib/catalog/files/service.ts";
import { describeMe } from "#lib/catalog/namespaces/me.ts";
import { namespaceQuery } from "#lib/catalog/namespaces/schema.ts";
import { getNamespace, listNamespaces } from "#lib/catalog/namespaces/service.ts";
import { shownRerunUse } from "#lib/catalog/pairs/reruns.ts";
import { showQuota } from "#lib/catalog/quotas/service.ts";
import { listRefs } from "#lib/catalog/refs/service.ts";
import { AppError } from "#lib/errors.ts";
import { PROTOCOL_VERSION } from "#lib/pairing/protocol.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { anonymous } from "#lib/auth/actor.ts";
import { getJobTimeline, jobCounts, listJobs, listWorkers } from "#lib/catalog/jobs/service.ts";
import { jobQuery } from "#lib/catalog/jobs/schema.ts";
import { matrix } from "#lib/catalog/pairs/matrix.ts";
import { listFits, listGuides } from "#lib/catalog/pairs/partners.ts";
import { duePairs } from "#lib/catalog/pairs/due.ts";
import { modelOfRepo } from "#lib/catalog/pairs/models.ts";
import { pairQuery } from "#lib/catalog/pairs/schema.ts";
import { listPairs, pairFeed } from "#lib/catalog/pairs/views.ts";
import { loraOfName } from "#lib/catalog/previews/repository.ts";
import { previewQuery } from "#lib/catalog/previews/schema.ts";
import { listPreviews } from "#lib/catalog/previews/views.ts";
import { repoOfName } from "#lib/catalog/recipes/repository.ts";
import { repoQuery, sorts } from "#lib/catalog/repos/schema.ts";
import { getRepo, listRepos } from "#lib/catalog/repos/service.ts";
import { picturesOf, showcase } from "#lib/catalog/sheets/service.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";

/** A member of one organisation of twenty, with private repos. */
export const ann: Actor = {
  kind: "person",
  userId: "ann",
  name: "ann",
  isOperator: false,
  scopes: new Set(["read", "write", "run"]),
  tokenId: null,
};
const operator: Actor = { ...ann, isOperator: true };
const askers = { anonymous, member: ann, operator } as const;

/** What is looked at of a hub that was filled by `fullCatalog`: rows that are there at every size. */
export interface Looked {
  /** Measured, of repos that everybody sees: with a guide of the base that half of all fine-tunes are made for. */
  readonly pairId: string;
  /** The subject of a job that waits, of repos that everybody sees. */
  readonly waitingId: string;
  readonly repos: Readonly<Record<string, Named>>;
}

interface Named {
  readonly id: string;
  readonly inspectionId: string;
}

export async function lookAround(): Promise<Looked> {
  const [pair] = await database().$queryRaw<{ id: string }[]>`
    SELECT p.id FROM pair p JOIN commit c ON c.id = p.guide_commit_id JOIN repo g ON g.id = c.repo_id
      JOIN commit d ON d.id = p.finetune_commit_id JOIN repo f ON f.id = d.repo_id
    WHERE g.name = 'guide-1' AND p.state = 'succeeded' AND f.visibility = 'public' LIMIT 1`;
  const [waiting] = await database().$queryRaw<{ id: string }[]>`
    SELECT p.id FROM job j JOIN pair p ON p.id = j.subject_id JOIN commit c ON c.id = p.guide_commit_id JOIN repo g ON g.id = c.repo_id
      JOIN commit d ON d.id = p.finetune_commit_id JOIN repo f ON f.id = d.repo_id
    WHERE j.kind = 'check' AND j.state = 'queued' AND g.visibility = 'public' AND f.visibility = 'public' LIMIT 1`;
  const repos = await database().$queryRaw<
    (Named & { name: string })[]
  >`SELECT name, id, head_inspection_id AS "inspectionId" FROM repo WHERE name IN ('guide-1', 'finetune-2', 'base-0')`;
  return {
    pairId: pair!.id,
    waitingId: waiting!.id,
    repos: Object.fromEntries(repos.map(({ name, ...repo }) => [name, repo])),
  };
}

/** Everything that is asked of a catalog and must not cost more in a larger one, by name. */
export function catalogQuestions({
  pairId,
  waitingId,
  repos,
}: Looked): Readonly<Record<string, () => Promise<unknown>>> {
  const list = (actor: Actor, query: Readonly<Record<string, string>>) => () =>
    listRepos(actor, repoQuery.parse(query));
  const of = <T>(ask: (actor: Actor) => T): (readonly [who: string, asked: T])[] =>
    Object.entries(askers).map(([who, actor]) => [who, ask(actor)]);
  const searches = {
    "a common word": "style",
    "common words that never meet": "finetune base",
    "a rare word": "777",
    "within a name": "etune-77",
    nothing: "zzzz",
  };
  const filters: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    kind: { kind: "base" },
    base: { base: "org0/base-0" },
    license: { license: "mit" },
    tag: { tag: "style-7" },
    owner: { owner: "org7" },
    size: { size: "over 10 GB" },
    verified: { measured: "verified" },
    "not measured": { measured: "notMeasured" },
    "kind and licence that never meet": { kind: "guide", license: "apache-2.0" },
  };
  const base = { owner: "org0", repo: "base-0" };
  const guide = { owner: "org1", repo: "guide-1" };
  const finetune = { owner: "org2", repo: "finetune-2" };
  const questions = [
    ...of((actor) => actor).flatMap(([who, actor]) => [
      ...sorts.map((sort) => [`browse by ${sort}, ${who}`, list(actor, { sort })] as const),
      ...Object.entries(filters).map(
        ([name, filter]) => [`browse by filter ${name}, ${who}`, list(actor, filter)] as const,
      ),
      ...Object.entries(searches).map(([name, q]) => [`search ${name}, ${who}`, list(actor, { q })] as const),
      [`facets, ${who}`, list(actor, { facets: "true", limit: "1" })] as const,
      [`facets beside a search, ${who}`, list(actor, { facets: "true", limit: "1", q: "style" })] as const,
      [
        `facets with all chosen, ${who}`,
        list(actor, {
          facets: "true",
          limit: "1",
          kind: "finetune",
          base: "org0/base-0",
          license: "mit",
          measured: "verified",
          size: "under 10 MB",
        }),
      ] as const,
      [
        `front page, ${who}`,
        async () => {
          await showcase(actor);
          for (const kind of ["finetune", "guide"]) {
            const { items } = await listRepos(actor, repoQuery.parse({ kind, sort: "downloads", limit: "6" }));
            await picturesOf(
              actor,
              items.map(({ id }) => id),
            );
          }
        },
      ] as const,
      [`a repo's page, ${who}`, () => getRepo(actor, base)] as const,
      [`guides of a fine-tune, ${who}`, () => listGuides(actor, finetune, { limit: 30 })] as const,
      [`guides of a base, ${who}`, () => listGuides(actor, base, { limit: 30 })] as const,
      [`what a guide fits, ${who}`, () => listFits(actor, guide, { limit: 30 })] as const,
      [`matrix, ${who}`, () => matrix(actor, base, { limit: 50 })] as const,
      [`pairs, ${who}`, () => listPairs(actor, pairQuery.parse({}))] as const,
      [
        `what a prompt and a recipe call by a name, ${who}`,
        async () => {
          for (const name of ["finetune-2", "org2/finetune-2", "nothing"]) {
            await loraOfName(actor, name);
            await repoOfName(actor, name, "draws");
          }
        },
      ] as const,
      [`previews, ${who}`, () => listPreviews(actor, previewQuery.parse({}))] as const,
      [
        `previews on a model's page, ${who}`,
        () => listPreviews(actor, previewQuery.parse({ attached: "true", finetune: "org2/finetune-2" })),
      ] as const,
      [
        `previews with a guide, of sheets, ${who}`,
        () => listPreviews(actor, previewQuery.parse({ sheet: "true", guide: "org1/guide-1" })),
      ] as const,
      [`refs, ${who}`, () => listRefs(actor, base, { limit: 30 })] as const,
      [
        `versions, ${who}`,
        async () => {
          await listCommits(actor, base, historyQuery.parse({}));
          await countCommits(actor, base);
        },
      ] as const,
      [`files, ${who}`, () => listTree(actor, base, treeQuery.parse({}))] as const,
      [`all files, ${who}`, () => listTree(actor, base, treeQuery.parse({ recursive: "true" }))] as const,
      [
        `a file to download, ${who}`,
        async () => findFile(await requireRead(actor, base), "HEAD", "file-1").catch(notThere),
      ] as const,
      [`an owner, ${who}`, () => getNamespace(actor, "org0")] as const,
      [`what people could tell, ${who}`, () => getTally(actor, pairId)] as const,
      [`jobs, ${who}`, () => listJobs(actor, jobQuery.parse({}))] as const,
      [`jobs by state, ${who}`, () => jobCounts(actor, { mine: false })] as const,
      [`a job and its place in the queue, ${who}`, () => getJobTimeline(actor, waitingId)] as const,
      [`a tick of an event stream, ${who}`, () => pairFeed(actor, pairId).read()] as const,
    ]),
    ["own organisations", () => listNamespaces(ann, namespaceQuery.parse({ mine: "true" }))] as const,
    ["organisations", () => listNamespaces(anonymous, namespaceQuery.parse({}))] as const,
    ["what one may do", () => describeMe(ann)] as const,
    ["what an owner has of what it may", () => showQuota("org0")] as const,
    ["audit", () => listAudit(operator, auditQuery.parse({}))] as const,
    ["workers", () => listWorkers(operator)] as const,
    ["evaluators", () => listEvaluators(operator)] as const,
    ["what is measured anew today", () => shownRerunUse(operator)] as const,
    ["own previews", () => listPreviews(ann, previewQuery.parse({ mine: "true" }))] as const,
    ["own jobs", () => listJobs(ann, jobQuery.parse({ mine: "true" }))] as const,
    ["due pairs of a guide's commit", () => due(repos["guide-1"]!)] as const,
    ["due pairs of a fine-tune's commit", () => due(repos["finetune-2"]!)] as const,
    ["due pairs of a base's commit", () => due(repos["base-0"]!)] as const,
  ];
  return Object.fromEntries(questions);
}

/** It is asked for where it would be. */
function notThere(cause: unknown): void {
  if (!(cause instanceof AppError && cause.code === "file_not_found")) throw cause;
}

async function due({ id, inspectionId }: Named): Promise<unknown> {
  return inTransaction(database(), async (transaction) =>
    duePairs(transaction, (await modelOfRepo(id, transaction))!, inspectionId, `v${PROTOCOL_VERSION}-x`, 100),
  );
}
