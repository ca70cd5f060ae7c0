import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Actor, anonymous } from "#lib/auth/actor.ts";
import { matrix } from "#lib/catalog/pairs/matrix.ts";
import { listGuides } from "#lib/catalog/pairs/partners.ts";
import { type Matrix, matrix as matrixSchema, type Partner, type StoredSummary } from "#lib/catalog/pairs/schema.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { database } from "#lib/db/client.ts";
import { PROTOCOL_VERSION } from "#lib/pairing/protocol.ts";
import { manyRepos } from "../../support/many-repos.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
const ann: Actor = {
  kind: "person",
  userId: "ann",
  name: "ann",
  isOperator: false,
  scopes: new Set(["read"]),
  tokenId: null,
};

const recovered = { value: 0.8, low: 0.7, high: 0.9, n: 48 };
const summary: StoredSummary = {
  request: { pictures: 48 },
  measured: {
    structure: [],
    lineage: null,
    agreement: null,
    looks: [],
    next: null,
    fidelity: {
      recovered,
      conditional: recovered,
      guide: recovered,
      cfg: recovered,
      gain: recovered,
      tries: 1,
      scored: [],
      unscored: [],
      domain: null,
    },
    cost: null,
    protocol: {
      version: 1,
      sampler: "euler",
      steps: 20,
      guidanceScale: 5,
      agreementGuidances: [],
      agreementPrompts: 0,
      agreementSeed: 0,
      pictureSeed: 0,
    },
    evaluatorSha256: null,
    evaluators: [],
    promptsSha256: null,
    files: [],
    runtime: { name: "test", version: "1", provider: "cpu", precision: "float32", threads: 1 },
  },
};

/** All of one contract, as a hub is that holds one family: the hardest case. */
beforeAll(async () => {
  const client = new pg.Client({ connectionString: hub.database.url });
  await client.connect();
  await client.query(manyRepos(1_000));
  await client.end();
  // What a measurement tells beside its verdict.
  await database().$executeRaw`UPDATE pair SET state = 'running', attempt = 1`;
  await database()
    .$executeRaw`UPDATE pair SET state = 'succeeded', protocol = ${`v${PROTOCOL_VERSION}-e0`}, summary = ${summary}`;
});

afterAll(() => hub.close());

const base = { owner: "org0", repo: "base-100" };

async function all(actor: Actor, limit: number): Promise<Matrix[]> {
  const pages = [await matrix(actor, base, { limit })];
  for (let last = pages[0]!; last.next !== null; pages.push(last))
    last = await matrix(actor, base, { limit, cursor: last.next });
  return pages;
}

/** What the page of a model says of one of its guides; the numbers in full are the same wherever they are told. */
const of = (cell: Partner | Matrix["items"][number]["cells"][number]) => {
  const { pair, state, verdict, n, problem, stale, measuredAt } = cell;
  return { pair, state, verdict, n, problem, stale, measuredAt };
};

test("rows are the base, then its models by use; columns its guides; pages, one after another, are the whole", async () => {
  const [whole] = await all(anonymous, 100);
  expect(whole).toMatchObject({ base: "org0/base-100", guideCount: 10, modelCount: 70, next: null }); // ten of a hundred are guides, each fifth is private
  expect(matrixSchema.parse(whole)).toEqual(whole);
  expect(whole!.guides).toHaveLength(10);
  expect(whole!.items).toHaveLength(70);
  expect(whole!.items[0]).toMatchObject({ repo: "org0/base-100", kind: "base" });
  const pages = await all(anonymous, 9);
  expect(pages).toHaveLength(8);
  expect(pages.map(({ modelCount }) => modelCount)).toEqual(Array<number>(8).fill(70));
  expect(pages.flatMap(({ items }) => items)).toEqual(whole!.items);
});

test("each cell says what the page of its fine-tune says", async () => {
  const [{ guides, items }] = (await all(anonymous, 100)) as [Matrix];
  const states = new Set<string>();
  for (const { repo, cells } of items) {
    const partners = new Map(
      (await listGuides(anonymous, toRepoName(repo), { limit: 100 })).items.map((partner) => [partner.repo, partner]),
    );
    for (const [at, { repo: guide }] of guides.entries()) {
      expect({ repo, guide, ...of(cells[at]!) }).toEqual({ repo, guide, ...of(partners.get(guide)!) });
      states.add(cells[at]!.verdict);
    }
  }
  expect([...states].toSorted()).toEqual(["incompatible", "notMeasured", "usableWithLimits", "verified"]);
});

describe("a cell changes with what it speaks of", () => {
  const cell = async (): Promise<Matrix["items"][number]["cells"][number]> => {
    const { guides, items } = await matrix(anonymous, base, { limit: 100 });
    return items.find(({ repo }) => repo === "org2/finetune-102")!.cells[
      guides.findIndex(({ repo }) => repo === "org1/guide-101")
    ]!;
  };

  test("measured, with its interval", async () => {
    expect(await cell()).toMatchObject({
      state: "measured",
      recovered: { value: 0.8, low: 0.7, high: 0.9, n: 48 },
      n: 48,
      stale: null,
    });
  });

  test("stale once the weights are others, and still there", async () => {
    await database()
      .$executeRaw`INSERT INTO inspection (id, commit_id, tool_version, state, facts, contract, weights_sha256, finished_at)
      SELECT gen_random_uuid(), i.commit_id, '2', 'succeeded', i.facts, i.contract, repeat('b', 64), now() + interval '1 minute' FROM inspection i JOIN commit c ON c.id = i.commit_id JOIN repo r ON r.id = c.repo_id WHERE r.name = 'finetune-102'`;
    await database()
      .$executeRaw`UPDATE inspection SET contract = NULL WHERE tool_version = '1' AND commit_id IN (SELECT commit_id FROM inspection WHERE tool_version = '2')`;
    expect(await cell()).toMatchObject({ state: "measured", stale: "The fine-tune has other weights since." });
    await database()
      .$executeRaw`UPDATE inspection SET contract = 'sd-v1-eps-768' WHERE tool_version = '1' AND contract IS NULL`;
    await database().$executeRaw`DELETE FROM inspection WHERE tool_version = '2'`;
    expect(await cell()).toMatchObject({ stale: null });
  });

  test("gone with a guide that may not be seen", async () => {
    await database().$executeRaw`UPDATE repo SET visibility = 'private' WHERE name = 'guide-101'`;
    expect((await matrix(anonymous, base, { limit: 1 })).guides.map(({ repo }) => repo)).not.toContain(
      "org1/guide-101",
    );
    expect(
      (await matrix({ ...ann, isOperator: true } as Actor, base, { limit: 1 })).guides.map(({ repo }) => repo),
    ).toContain("org1/guide-101");
    await database().$executeRaw`UPDATE repo SET visibility = 'public' WHERE name = 'guide-101'`;
  });
});

test("what is no base, is not there or is no place in the table is refused", async () => {
  await expect(matrix(anonymous, { owner: "org1", repo: "guide-101" }, { limit: 10 })).rejects.toMatchObject({
    code: "bad_request",
  });
  await expect(matrix(anonymous, { owner: "org1", repo: "nothing" }, { limit: 10 })).rejects.toMatchObject({
    code: "repo_not_found",
  });
  await expect(matrix(anonymous, base, { limit: 10, cursor: "nonsense" })).rejects.toMatchObject({
    code: "bad_request",
  });
});

test("as CSV it is whole, a line for each pair", async () => {
  const { GET } = await import("../../../app/matrix/table.csv/route.ts");
  const ask = (query: string): Promise<Response> => GET(new Request(`http://localhost:3000/matrix/table.csv${query}`));
  const answer = await ask("?base=org0/base-100");
  expect([answer.status, answer.headers.get("content-type"), answer.headers.get("content-disposition")]).toEqual([
    200,
    "text/csv; charset=utf-8",
    'attachment; filename="base-100-guides.csv"',
  ]);
  const lines = (await answer.text()).split("\r\n");
  expect(lines[0]).toBe("model,guide,state,R,R_low,R_high,n,stale,measured_at,pair");
  expect(lines).toHaveLength(1 + 70 * 10 + 1);
  const { guides, items } = await matrix(anonymous, base, { limit: 100 });
  const cell = items.find(({ repo }) => repo === "org2/finetune-102")!.cells[
    guides.findIndex(({ repo }) => repo === "org1/guide-101")
  ]!;
  expect(lines.find((line) => line.startsWith("org2/finetune-102,org1/guide-101,"))).toMatch(
    new RegExp(
      `,(verified|usable with limits|incompatible),0.8,0.7,0.9,48,,${cell.measuredAt},http://localhost:3000/pairs/${cell.pair}$`,
    ),
  );
  expect(lines.filter((line) => line.endsWith(",not measured,,,,,,,")).length).toBe(
    items.flatMap(({ cells }) => cells).filter(({ pair }) => pair === null).length,
  );
  expect([
    (await ask("")).status,
    (await ask("?base=org1/guide-101")).status,
    (await ask("?base=org1/nothing")).status,
  ]).toEqual([400, 400, 404]);
});
