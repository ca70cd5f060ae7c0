import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "#lib/db/client.ts";
import { violatedRule } from "#lib/db/violation.ts";
import { ids, oid, sha, smallHub, uuid } from "../../support/small-hub.ts";
import { createTempDatabase } from "../../support/temp-database.ts";

const temp = await createTempDatabase();
const database = openDatabase(temp.url);
const [one, two, watcher] = [0, 1, 2].map(() => new pg.Client({ connectionString: temp.url })) as [
  pg.Client,
  pg.Client,
  pg.Client,
];

beforeAll(async () => {
  await Promise.all([one, two, watcher].map((client) => client.connect()));
  await one.query(smallHub);
});

afterAll(async () => {
  await Promise.all([one, two, watcher].map((client) => client.end()));
  await database.$disconnect();
  await temp.drop();
});

/** Runs all at once; the rules that the losers broke. */
async function race(writes: readonly (() => Promise<unknown>)[]): Promise<(string | null)[]> {
  const ended = await Promise.allSettled(writes.map((write) => write()));
  return ended.flatMap((each) => (each.status === "rejected" ? [violatedRule(each.reason)] : []));
}

const spellings = ["race", "Race", "RACE", "rAce", "raCe", "racE", "RAce", "raCE"];

describe("of eight at once exactly one wins", () => {
  test("a name, in any case", async () => {
    const lost = await race(
      spellings.map((name) => () => database.namespace.create({ data: { kind: "organisation", name } })),
    );
    expect(lost).toEqual(Array(7).fill("namespace_name_key_key"));
  });

  test("the name of a repo", async () => {
    const lost = await race(
      spellings.map(
        (name) => () =>
          database.repo.create({ data: { namespaceId: ids.lab, name, kind: "base", visibility: "private" } }),
      ),
    );
    expect(lost).toEqual(Array(7).fill("repo_name_unique_while_live"));
  });

  test("a content address", async () => {
    const blob = { sha256: sha("e"), size: 1, gitSha1: oid("e"), verifiedAt: new Date() };
    const lost = await race(
      spellings.map((storageKey) => () => database.blob.create({ data: { ...blob, storageKey } })),
    );
    expect(lost).toEqual(Array(7).fill("blob_pkey"));
  });

  test("a place in the history", async () => {
    const { treeId, fileCount, size } = await database.commit.findUniqueOrThrow({ where: { id: oid("3") } });
    const lost = await race(
      spellings.map(
        (title, n) => () =>
          database.commit.create({
            data: {
              id: oid(`${n}f`).slice(0, 40),
              repoId: ids.fine,
              sequence: 3,
              parentId: oid("3"),
              title,
              treeId,
              fileCount,
              size,
            },
          }),
      ),
    );
    expect(lost).toEqual(Array(7).fill("commit_repo_id_sequence_key"));
  });

  test("a pair of weights", async () => {
    const lost = await race(
      spellings.map(
        () => () =>
          database.pair.create({
            data: {
              unitId: ids.unit,
              unitHash: sha("c"),
              guideWeightsSha256: sha("d"),
              protocol: "1",
              runtime: "cpu-f32",
            },
          }),
      ),
    );
    expect(lost).toEqual(Array(7).fill("pair_unit_hash_guide_weights_sha256_protocol_runtime_key"));
  });

  test("a move of a branch from the version it saw", async () => {
    const moves = await Promise.all(
      spellings.map(() =>
        database.ref.updateMany({
          where: { repoId: ids.fine, name: "main", version: 1 },
          data: { commitId: oid("2"), version: 2 },
        }),
      ),
    );
    expect(moves.map(({ count }) => count).toSorted()).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
  });

  test("a claim of a job", async () => {
    const claims = await Promise.all(
      spellings.map(() =>
        database.pair.updateMany({
          where: { id: ids.pair, state: "queued", attempt: 0 },
          data: { state: "running", attempt: 1 },
        }),
      ),
    );
    expect(claims.map(({ count }) => count).toSorted()).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
  });

  test("the first download of a visitor", async () => {
    const counted = await Promise.all(
      spellings.map(
        () =>
          database.$queryRaw<
            { counted: boolean }[]
          >`SELECT count_download(${ids.guide}::uuid, '2026-01-01', ${sha("9")}, ${sha("8")}, 5, ${sha("7")}, 5) AS counted`,
      ),
    );
    expect(counted.filter(([row]) => row!.counted)).toHaveLength(1);
    expect(await database.repo.findUnique({ where: { id: ids.guide }, select: { downloads: true } })).toEqual({
      downloads: 1,
    });
  });
});

/** Until the client waits for a lock of another. */
async function isWaiting(client: pg.Client): Promise<void> {
  const { processID } = client as unknown as { processID: number };
  for (;;) {
    const { rows } = await watcher.query("SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'", [
      processID,
    ]);
    if (rows.length > 0) return;
  }
}

const link = `INSERT INTO repo_blob (repo_id, blob_sha256, size, commit_id) VALUES ('${ids.base}', '${sha("d")}', 40, '${oid("1")}')`;
const purge = `UPDATE blob SET purging_at = now() WHERE sha256 = '${sha("d")}'`;

describe("linking a blob and purging it do not both happen", () => {
  for (const [first, second, rule] of [
    [link, purge, "blob_in_use"],
    [purge, link, "blob_is_purging"],
  ] as const) {
    test(`${rule === "blob_in_use" ? "linking" : "purging"} first`, async () => {
      await one.query("BEGIN");
      await one.query(first);
      await two.query("BEGIN");
      const late = two.query(second).then(
        () => null,
        (failure: { constraint: string }) => failure.constraint,
      );
      await isWaiting(two);
      await one.query("COMMIT");
      expect(await late).toBe(rule);
      await two.query("ROLLBACK");
      await one.query(
        `UPDATE blob SET purging_at = NULL; UPDATE repo SET deleted_at = now() WHERE id = '${ids.base}'; DELETE FROM repo_blob WHERE blob_sha256 = '${sha("d")}'; UPDATE repo SET deleted_at = NULL`,
      );
    });
  }
});

test("a result of a worker that lost its job changes nothing", async () => {
  const [thawed, heir] = [1, 2];
  const [subjectId, where] = [uuid(50), { subjectId_kind: { subjectId: uuid(50), kind: "check" as const } }];
  await database.job.create({ data: { kind: "check", subjectId, resource: "compute", lane: "minutes", priority: 0 } });
  for (const attempt of [thawed, heir]) {
    await database.job.update({ where, data: { state: "running", attempt } });
    if (attempt === thawed) await database.job.update({ where, data: { state: "queued" } });
  }
  expect(
    await database.job.updateMany({ where: { subjectId, attempt: thawed }, data: { state: "succeeded" } }),
  ).toEqual({ count: 0 });
  await expect(
    database.job
      .update({ where, data: { attempt: thawed } })
      .catch((cause: unknown) => Promise.reject(new Error(String(violatedRule(cause))))),
  ).rejects.toThrow("job_attempt_grows");
});
