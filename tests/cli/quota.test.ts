import { afterAll, beforeAll, expect, test } from "vitest";
import { newPerson } from "../support/actors.ts";
import { guidepost } from "../support/cli.ts";
import { useTempHub } from "../support/temp-hub.ts";

const hub = await useTempHub();
beforeAll(() => newPerson("ann"));
afterAll(() => hub.close());

test("an operator on the hub's machine gives one name more, and takes it back", async () => {
  expect((await guidepost("quota", "ann")).stdout).toContain("bytes: 0 bytes of 200.0 GB\nfiles: 0 of 100,000\n");
  const given = await guidepost("quota", "Ann", "--bytes", "2TB", "--repos", "5", "--device-time", "30 min", "--json");
  expect(JSON.parse(given.stdout)).toMatchObject({
    bytes: { limit: 2e12, isOwn: true },
    repos: { limit: 5, isOwn: true },
    files: { limit: 100_000, isOwn: false },
  });
  const back = await guidepost("quota", "ann", "--bytes", "default", "--json");
  expect(JSON.parse(back.stdout)).toMatchObject({ bytes: { limit: 200e9, isOwn: false }, repos: { limit: 5 } });
  expect(await guidepost("quota", "ann", "--files", "many")).toMatchObject({
    code: 2,
    stderr: "--files takes a number, or default; correct it.\n",
  });
  expect(await guidepost("quota", "bob")).toMatchObject({
    code: 2,
    stderr: "There is no namespace bob; check the name.\n",
  });
});
