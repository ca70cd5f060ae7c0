import { database } from "#lib/db/client.ts";
import { Prisma, type RepoKind } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";

/** The newest commit of a repo's default branch, as inspected, with what decides which others it may pair with. */
export interface Model {
  readonly repoId: string;
  readonly kind: RepoKind;
  readonly commitId: string;
  readonly contract: string;
  readonly weightsSha256: string;
  /** The base that it was made from, as detected, else as declared; a base is its own. */
  readonly baseRepoId: string | null;
  readonly parameters: number | null;
}

/** Of a row `m` of repos that has been inspected and runs; its inspection is `i`. */
export const modelColumns = Prisma.sql`m.id AS "repoId", m.kind, m.head_commit_id AS "commitId", m.contract, m.weights_sha256 AS "weightsSha256", m.family_id AS "baseRepoId", (i.facts->>'parameters')::float8 AS parameters`;
export const isModel = Prisma.sql`m.deleted_at IS NULL AND m.contract IS NOT NULL AND m.weights_sha256 IS NOT NULL`;

/** Null where the newest commit is not what was inspected, has not been, or does not run. */
export async function modelOfInspection(client: Transaction, inspectionId: string): Promise<Model | null> {
  const [model] = await client.$queryRaw<Model[]>`
    SELECT ${modelColumns} FROM inspection i JOIN commit c ON c.id = i.commit_id JOIN repo m ON m.id = c.repo_id AND m.head_inspection_id = i.id
    WHERE i.id = ${inspectionId}::uuid AND ${isModel}`;
  return model ?? null;
}

export async function modelOfRepo(repoId: string, client: Transaction = database()): Promise<Model | null> {
  const [model] = await client.$queryRaw<
    Model[]
  >`SELECT ${modelColumns} FROM repo m JOIN inspection i ON i.id = m.head_inspection_id WHERE m.id = ${repoId}::uuid AND ${isModel}`;
  return model ?? null;
}
