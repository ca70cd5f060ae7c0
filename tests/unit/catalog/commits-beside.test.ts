import { afterAll, beforeAll, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import { newPerson } from "../../support/actors.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
const PEOPLE = 8;
const COMMITS = 12;
let people: Person[];

beforeAll(async () => {
  people = await Promise.all(Array.from({ length: PEOPLE }, (_, i) => newPerson(`person-${i}`)));
  for (const person of people)
    await createRepo(person, { owner: person.name, name: "model", kind: "finetune", visibility: "public" });
});
afterAll(() => hub.close());

test("eight people who commit to eight repos at once all get through, each time", async () => {
  const commitAll = async (person: Person): Promise<void> => {
    for (let n = 0; n < COMMITS; n++)
      await createCommit(
        person,
        { owner: person.name, repo: "model" },
        { title: `Card ${n}`, operations: [{ op: "add", path: "README.md", content: `# ${person.name} ${n}` }] },
      );
  };
  const ended = await Promise.allSettled(people.map(commitAll));
  expect(ended.filter(({ status }) => status === "rejected")).toEqual([]);
  expect(await database().commit.count()).toBe(PEOPLE * COMMITS);
});
