import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Actor, anonymous } from "#lib/auth/actor.ts";
import { listFits, listGuides } from "#lib/catalog/pairs/partners.ts";
import type { Partner } from "#lib/catalog/pairs/schema.ts";
import { listPairs } from "#lib/catalog/pairs/views.ts";
import { database } from "#lib/db/client.ts";
import { manyRepos } from "../../support/many-repos.ts";
import { recordQueries } from "../../support/recorded-queries.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
const operator: Actor = {
  kind: "person",
  userId: "ann",
  name: "ann",
  isOperator: true,
  scopes: new Set(["read"]),
  tokenId: null,
};
const guide = { owner: "org1", repo: "guide-1" };
const base = { owner: "org0", repo: "base-0" };

/** Half of all fine-tunes are made for one base, and every third of them is measured with two of its guides. */
beforeAll(async () => {
  const client = new pg.Client({ connectionString: hub.database.url });
  await client.connect();
  await client.query(manyRepos(1_000, { isSkewed: true, guidesEach: 2 }));
  await client.query("UPDATE pair SET state = 'running', attempt = 1");
  await client.query(
    `UPDATE pair SET state = 'succeeded', protocol = 'v1-e0-p0-n48', summary = jsonb_build_object('request', '{"pictures": 48}'::jsonb, 'measured', jsonb_build_object('fidelity', jsonb_build_object('recovered', jsonb_build_object('value', random(), 'low', 0.1, 'high', 0.9, 'n', 48))))`,
  );
  await client.end();
});
afterAll(() => hub.close());

type List = (page: { readonly limit: number; readonly cursor?: string }) => Promise<{
  readonly items: readonly Partner[];
  readonly next: string | null;
}>;

/** Page after page to the end, with what each asked the database. */
async function walk<Item>(
  list: (page: {
    limit: number;
    cursor?: string;
  }) => Promise<{ readonly items: readonly Item[]; readonly next: string | null }>,
  limit: number,
): Promise<{ readonly pages: Item[][]; readonly statements: number[] }> {
  const pages: Item[][] = [];
  const statements: number[] = [];
  for (let cursor: string | undefined; ;) {
    const { result, queries } = await recordQueries(() => list({ limit, ...(cursor !== undefined && { cursor }) }));
    pages.push([...result.items]);
    statements.push(queries.length);
    if (result.next === null) return { pages, statements };
    cursor = result.next;
  }
}

const reposOf = (partners: readonly Partner[]): string[] => partners.map(({ repo }) => repo);

const MAX_STATEMENTS = 100;

test.each([
  [
    "what a guide fits",
    (actor: Actor): List =>
      (page) =>
        listFits(actor, guide, page),
  ],
  [
    "the guides of a base",
    (actor: Actor): List =>
      (page) =>
        listGuides(actor, base, page),
  ],
] as const)("%s: pages of any size are the same whole, each repo once, best evidence first", async (_, listFor) => {
  for (const actor of [anonymous, operator]) {
    const whole = (await walk(listFor(actor), 100)).pages.flat();
    const { pages, statements } = await walk(listFor(actor), 17);
    expect(new Set(reposOf(whole)).size).toBe(whole.length);
    expect(reposOf(pages.flat()).toSorted()).toEqual(reposOf(whole).toSorted());
    expect(pages.slice(0, -1).map(({ length }) => length)).toEqual(pages.slice(0, -1).map(() => 17));
    expect(Math.max(...statements)).toBeLessThan(MAX_STATEMENTS);
    const classOf = ({ state, verdict }: Partner): number =>
      state === "not measured" ? 1 : verdict === "incompatible" ? 2 : 0;
    expect(pages.flat().map(classOf)).toEqual(pages.flat().map(classOf).toSorted());
    const proven = pages
      .flat()
      .filter(({ verdict }) => verdict === "verified")
      .map(({ recovered }) => recovered!.value);
    expect(proven).toEqual(proven.toSorted((a, b) => b - a));
  }
});

test("what a guide fits is all of its family that may be seen, measured or not", async () => {
  const rows = await database().$queryRaw<{ name: string; visibility: string; measured: boolean }[]>`
    SELECT n.name || '/' || m.name AS name, m.visibility::text, EXISTS (SELECT FROM pair p WHERE p.unit_hash = m.weights_sha256 AND p.guide_weights_sha256 = g.weights_sha256) AS measured
    FROM repo g JOIN repo m ON m.family_id = g.family_id AND m.kind <> 'guide' JOIN namespace n ON n.id = m.namespace_id WHERE g.name = 'guide-1'`;
  const seenBy = async (actor: Actor): Promise<Partner[]> =>
    (await walk((page) => listFits(actor, guide, page), 100)).pages.flat();
  const [all, shown] = [await seenBy(operator), await seenBy(anonymous)];
  expect(reposOf(all).toSorted()).toEqual(rows.map(({ name }) => name).toSorted());
  expect(reposOf(shown).toSorted()).toEqual(
    rows.flatMap(({ name, visibility }) => (visibility === "public" ? [name] : [])).toSorted(),
  );
  expect(all.filter(({ pair }) => pair !== null)).toHaveLength(rows.filter(({ measured }) => measured).length);
});

test("who was measured twice stands where the better of the two does", async () => {
  const [first] = (await listFits(anonymous, guide, { limit: 1 })).items;
  await database().$executeRaw`
    INSERT INTO pair (id, unit_hash, guide_weights_sha256, protocol, runtime, unit_id, finetune_commit_id, guide_commit_id)
    SELECT gen_random_uuid(), unit_hash, guide_weights_sha256, 'v1-e0-p0-n96', runtime, unit_id, finetune_commit_id, guide_commit_id FROM pair WHERE id = ${first!.pair}::uuid`;
  const { pages } = await walk((page) => listFits(anonymous, guide, page), 10);
  expect(pages.flat().filter(({ repo }) => repo === first!.repo)).toEqual([first]);
  await database().$executeRaw`DELETE FROM pair WHERE protocol = 'v1-e0-p0-n96'`;
});

test("hidden ones are walked past, some hundred a page, and what is behind them is found", async () => {
  await database().$executeRaw`UPDATE repo SET visibility = 'private' WHERE kind = 'finetune' AND name <> 'finetune-2'`;
  const fits = await walk((page) => listFits(anonymous, guide, page), 1);
  expect(reposOf(fits.pages.flat()).toSorted()).toEqual(["org0/base-0", "org2/finetune-2"]);
  expect(Math.max(...fits.statements)).toBeLessThan(MAX_STATEMENTS);
  await database().$executeRaw`UPDATE pair SET summary = summary - 'measured'`; // no list tells more of it
  const { id } = await database().repo.findFirstOrThrow({ where: { name: "finetune-3" } });
  await database().$executeRaw`UPDATE repo SET visibility = 'public' WHERE id = ${id}::uuid`;
  await database()
    .$executeRaw`UPDATE pair p SET created_at = '2020-01-01' FROM commit c WHERE c.id = p.finetune_commit_id AND c.repo_id = ${id}::uuid`;
  const pairs = await walk((page) => listPairs(anonymous, page), 30);
  expect(pairs.pages.at(0)).toEqual([]);
  expect(pairs.pages.flat().map(({ finetune }) => finetune.repo)).toEqual(["org3/finetune-3", "org3/finetune-3"]);
  for (const side of [
    { finetune: "org3/finetune-3" },
    { guide: "org1/guide-1" },
    { finetune: "org3/finetune-3", guide: "org1/guide-1" },
  ]) {
    const { pages } = await walk((page) => listPairs(anonymous, { ...side, ...page }), 30);
    expect(pages.flat().length).toBe("guide" in side ? 1 : 2);
  }
});

test.each(["nonsense", btoa('[9,"a"]'), btoa("[0,1,2]"), btoa(`[2,1,99999999999,"${crypto.randomUUID()}"]`)])(
  "a cursor of another list is refused: %s",
  async (cursor) => {
    await expect(listFits(anonymous, guide, { limit: 10, cursor })).rejects.toMatchObject({ code: "bad_request" });
  },
);
