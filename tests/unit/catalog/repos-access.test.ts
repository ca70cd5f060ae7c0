import { afterAll, beforeAll, expect, test } from "vitest";
import { type Actor, anonymous, hub as theHub, type Person } from "#lib/auth/actor.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { repoQuery } from "#lib/catalog/repos/schema.ts";
import { createRepo, listRepos } from "#lib/catalog/repos/service.ts";
import { AppError } from "#lib/errors.ts";
import { newOrganisation, newPerson, tokenOf } from "../../support/actors.ts";
import { useTempHub } from "../../support/temp-hub.ts";

// What everybody may do with one repo is in tests/unit/auth/permissions.test.ts, door by door. Here is what no door of its own tells: what
// a list leaves out, and under whose name a repo may be made.

const hub = await useTempHub();
let actors: Record<string, Actor>;

beforeAll(async () => {
  const owner: Person = await newPerson("owner");
  const [stranger, reader, writer, operator] = [
    await newPerson("stranger"),
    await newPerson("reader"),
    await newPerson("writer"),
    await newPerson("operator", { isOperator: true }),
  ];
  await newOrganisation("lab", [
    [owner, "owner"],
    [reader, "reader"],
    [writer, "writer"],
  ]);
  actors = {
    anonymous,
    stranger,
    owner,
    reader,
    writer,
    operator,
    "token that may read": tokenOf(owner, "read"),
    "token that may write": tokenOf(owner, "read", "write"),
    "token that may nothing": tokenOf(owner),
    "operator's token that may nothing": tokenOf(operator),
    hub: theHub,
  };
  for (const visibility of ["public", "private"] as const) {
    const name = { owner: "lab", repo: `${visibility}-of-lab` };
    await createRepo(owner, { owner: "lab", name: name.repo, kind: "finetune", visibility });
    await createCommit(owner, name, { title: "First", operations: [{ op: "add", path: "a", content: "a" }] });
  }
});
afterAll(() => hub.close());

/** Who may read what is private in the organisation, make a repo in it, and make one in the name of “stranger”. */
const rights: Record<string, readonly [reads: boolean, makesInLab: boolean, makesAsStranger: boolean]> = {
  anonymous: [false, false, false],
  stranger: [false, false, true],
  owner: [true, true, false],
  reader: [true, false, false],
  writer: [true, true, false],
  operator: [true, true, true],
  "token that may read": [true, false, false],
  "token that may write": [true, true, false],
  "token that may nothing": [false, false, false],
  "operator's token that may nothing": [false, false, false],
  hub: [true, true, true],
};

let count = 0;
const make = (who: string, owner: string): Promise<unknown> =>
  createRepo(actors[who]!, { owner, name: `made-${++count}`, kind: "guide", visibility: "private" }).then(
    () => "done",
    (cause: unknown) => (cause instanceof AppError ? cause.code : cause),
  );

test.each(Object.entries(rights))("%s", async (who, [reads, makesInLab, makesAsStranger]) => {
  const { items } = await listRepos(actors[who]!, repoQuery.parse({ owner: "lab", kind: "finetune", sort: "name" }));
  expect(items.map(({ name }) => name)).toEqual([...(reads ? ["private-of-lab"] : []), "public-of-lab"]);
  expect(await make(who, "lab")).toBe(makesInLab ? "done" : "forbidden");
  expect(await make(who, "stranger")).toBe(makesAsStranger ? "done" : "forbidden");
});
