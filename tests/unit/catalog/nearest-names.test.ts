import { afterAll, beforeAll, expect, test } from "vitest";
import { anonymous, type Person } from "#lib/auth/actor.ts";
import { nearestNames } from "#lib/catalog/repos/nearest-names.ts";
import { newPerson } from "../../support/actors.ts";
import { newRepoWith } from "../../support/evidence.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
let ann: Person;
beforeAll(async () => {
  ann = await newPerson("ann");
  const files = { "README.md": "Nothing." };
  for (const name of ["pencil", "pixel", "watercolor"]) await newRepoWith(ann, { name, kind: "finetune" }, files);
  for (let i = 0; i < 60; i++)
    await newRepoWith(ann, { name: `watercolour-${i}`, kind: "finetune", visibility: "private" }, files);
}, 600_000);
afterAll(() => hub.close());

test("a word that is misspelt or cut short leads to the names that are like it", async () => {
  expect(await nearestNames(anonymous, "pencl")).toEqual(["ann/pencil"]);
  expect((await nearestNames(anonymous, "ann/pixl"))[0]).toBe("ann/pixel");
  expect(await nearestNames(anonymous, "zzzzzz")).toEqual([]);
  expect(await nearestNames(anonymous, "")).toEqual([]);
});

test("private repos crowd nobody's out, and are told to whoever may read them only", async () => {
  expect(await nearestNames(anonymous, "watercolour-7")).toEqual(["ann/watercolor"]);
  expect(await nearestNames(ann, "watercolour-7")).toHaveLength(5);
});
