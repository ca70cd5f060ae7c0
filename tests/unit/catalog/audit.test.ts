import { afterAll, beforeAll, expect, test } from "vitest";
import { type Actor, anonymous, type Person } from "#lib/auth/actor.ts";
import { auditQuery } from "#lib/catalog/audit/schema.ts";
import { listAudit } from "#lib/catalog/audit/service.ts";
import { createRepo, deleteRepo } from "#lib/catalog/repos/service.ts";
import { newPerson, tokenOf } from "../../support/actors.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
let [ann, root]: Person[] = [];

beforeAll(async () => {
  ann = await newPerson("ann");
  root = await newPerson("root", { isOperator: true });
});
afterAll(() => hub.close());

const make = (name: string, actor: Person = ann!) =>
  createRepo(actor, { owner: actor.name, name, kind: "finetune", visibility: "private" });
const ask = (query: object, actor: Actor = root!) => listAudit(actor, auditQuery.parse(query));
const shown = ({ items }: Awaited<ReturnType<typeof ask>>) =>
  items.map(({ kind, person, detail }) => `${person} ${kind} ${detail["name"]}`);

test("is for operators, with a session", async () => {
  for (const actor of [anonymous, ann!, tokenOf(root!, "read", "write", "run")])
    await expect(ask({}, actor)).rejects.toMatchObject({
      code: actor.kind === "anonymous" ? "unauthenticated" : "forbidden",
    });
});

test("tells the newest first, of everybody, of one person, or of one thing, page by page", async () => {
  const { id } = await make("one");
  await make("two");
  await make("three", root);
  await deleteRepo(ann!, { owner: "ann", repo: "one" });
  const all = [
    "ann repo.delete ann/one",
    "root repo.create root/three",
    "ann repo.create ann/two",
    "ann repo.create ann/one",
  ];
  expect(shown(await ask({}))).toEqual(all);
  expect(shown(await ask({ person: "Root" }))).toEqual(all.slice(1, 2));
  expect(shown(await ask({ subject: id }))).toEqual([all[0], all[3]]);
  const first = await ask({ limit: "3" });
  const second = await ask({ limit: "3", cursor: first.next });
  expect([...shown(first), ...shown(second)]).toEqual(all);
  expect(second.next).toBeNull();
  await expect(ask({ person: "nobody" })).rejects.toMatchObject({ code: "not_found" });
});

test("who follows along goes on where they were, and gets what came since", async () => {
  let place: string | null = null;
  const all: string[] = [];
  const follow = async (): Promise<string[]> => {
    const page = await ask({ order: "oldest", ...(place && { cursor: place }) });
    place = page.next;
    all.push(...shown(page));
    return all;
  };
  // Other suites' transactions on the same server hold back what came, some of them for minutes, and let it come in pieces.
  const until = (last: string) => expect.poll(async () => (await follow()).at(-1), { timeout: 900_000 }).toBe(last);
  await until("ann repo.delete ann/one");
  const before = [...all];
  expect(await follow()).toEqual(before);
  await make("four");
  await until("ann repo.create ann/four");
  expect(all).toEqual([...before, "ann repo.create ann/four"]);
  expect(before).toEqual([
    "ann repo.create ann/one",
    "ann repo.create ann/two",
    "root repo.create root/three",
    "ann repo.delete ann/one",
  ]);
  expect(await follow()).toHaveLength(5);
}, 2_000_000);
