import { afterAll, expect, test } from "vitest";
import { type Capability, can, kindNames, kindsThat } from "#lib/catalog/kinds.ts";
import { database } from "#lib/db/client.ts";
import { RepoKind } from "#lib/db/generated/client.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
afterAll(() => hub.close());

test("the database and the code agree on what each kind can do", async () => {
  const rows = await database().repoKindCan.findMany();
  expect(rows.map(({ kind }) => kind).toSorted()).toEqual(Object.values(RepoKind).toSorted());
  expect([...kindNames].toSorted()).toEqual(Object.values(RepoKind).toSorted());
  for (const { kind, ...row } of rows)
    for (const what of Object.keys(row) as Capability[])
      expect([kind, what, can({ kind }, what)]).toEqual([kind, what, row[what]]);
});

test("nothing both draws and guides: a side of a pair is one of them", () => {
  expect(kindsThat("draws").filter((kind) => kindsThat("guides").includes(kind))).toEqual([]);
});
