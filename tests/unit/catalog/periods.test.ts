import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { createOrganisation } from "#lib/catalog/namespaces/service.ts";
import { drawOfPeriod, keepPeriods, listPeriods, tryOf } from "#lib/catalog/periods/service.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { commitmentTo, drawnFrom } from "#lib/pairing/period-secret.ts";
import { newPerson } from "../../support/actors.ts";
import { newRepoWith } from "../../support/evidence.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
const DAY = 86_400_000;
const start = new Date("2030-01-01T00:00:00Z");
const at = (days: number, seconds = 0): Date => new Date(start.getTime() + days * DAY + seconds * 1000);
const short = async () =>
  (await listPeriods())
    .map(({ number, startsAt, endsAt, secret }) => ({
      number,
      from: (Date.parse(startsAt) - start.getTime()) / DAY,
      to: (Date.parse(endsAt) - start.getTime()) / DAY,
      isTold: secret !== null,
    }))
    .toReversed();
const open = { isTold: false };

let [ann, ben]: Person[] = [];
beforeAll(async () => void ([ann, ben] = [await newPerson("ann"), await newPerson("ben")]));
afterAll(() => hub.close());

describe("periods", () => {
  test("begin with the hub, and the next one is promised before the first has passed, whoever keeps them", async () => {
    await Promise.all(Array.from({ length: 4 }, () => keepPeriods(start)));
    const first = await short();
    expect(first).toEqual([
      { number: 1, from: 0, to: 7, ...open },
      { number: 2, from: 7, to: 14, ...open },
    ]);
    await keepPeriods(at(6.99));
    expect(await short()).toEqual(first);
  });

  test("are promised a whole period before they begin, and told an hour after they have ended", async () => {
    await keepPeriods(at(7, 1));
    expect((await listPeriods())[0]).toMatchObject({
      number: 3,
      committedAt: at(7, 1).toISOString(),
      startsAt: at(14).toISOString(),
    });
    await keepPeriods(at(7, 3599));
    expect((await short())[0]!.isTold).toBe(false);
    await keepPeriods(at(7, 3600));
    expect((await short()).map(({ isTold }) => isTold)).toEqual([true, false, false]);
    const told = (await listPeriods()).at(-1)!;
    expect(told.toldFrom).toBe(at(7, 3600).toISOString());
    expect(commitmentTo(told.secret!)).toBe(told.commitment);
    expect(await drawOfPeriod(1)).toEqual(drawnFrom(told.secret!));
    const said = await database().outbox.findMany({
      where: { kind: { startsWith: "period." } },
      orderBy: { id: "asc" },
    });
    expect(said.map(({ kind, subjectId }) => [kind, subjectId])).toEqual([
      ["period.promise", "1"],
      ["period.promise", "2"],
      ["period.promise", "3"],
      ["period.tell", "1"],
    ]);
    expect(said[0]!.detail).toMatchObject({ commitment: told.commitment });
  });

  test("draw other prompts and other noise, and nothing of the secret of one says anything of the next", async () => {
    const drawn = [await drawOfPeriod(1), await drawOfPeriod(2), await drawOfPeriod(3)];
    for (const part of ["key", "agreementSeed", "pictureSeed"] as const)
      expect(new Set(drawn.map((one) => one[part])).size).toBe(3);
  });

  test("keep their promise, or the database says no", async () => {
    const { measuringPeriod } = database();
    const other = "1".repeat(64);
    await expect(measuringPeriod.update({ where: { number: 2 }, data: { commitment: other } })).rejects.toThrow(
      /promised/,
    );
    await expect(measuringPeriod.update({ where: { number: 2 }, data: { startsAt: at(8) } })).rejects.toThrow(
      /promised/,
    );
    await expect(measuringPeriod.update({ where: { number: 1 }, data: { toldAt: null } })).rejects.toThrow(/promised/);
    await expect(measuringPeriod.update({ where: { number: 2 }, data: { secret: other } })).rejects.toThrow(
      /measuring_period_keeps_its_promise|promised/,
    );
    await expect(
      measuringPeriod.create({
        data: { number: 9, committedAt: at(0), startsAt: at(0), endsAt: at(0), commitment: other, secret: other },
      }),
    ).rejects.toThrow(/measuring_period_keeps_its_promise/);
  });

  test("go on where the hub slept over the end of the last one: none begins that was not promised before", async () => {
    await keepPeriods(at(100));
    expect((await short()).slice(2)).toEqual([
      { number: 3, from: 14, to: 107, ...open },
      { number: 4, from: 107, to: 114, ...open },
    ]);
  });
});

describe("a guide that is tried on a unit", () => {
  const sha256 = (name: string): string => createHash("sha256").update(name).digest("hex");
  const unit = sha256("unit");
  let holder: string;

  /** As if read from a commit of that moment. */
  const weightsCame = async (weights: string, when: Date): Promise<void> => {
    await database()
      .$executeRaw`INSERT INTO repo_weights (repo_id, weights_sha256, measured_as, first_at) VALUES (${holder}::uuid, ${weights}, ${weights}, ${when})`;
  };
  const guideOf = async (owner: Person): Promise<string> =>
    (await newRepoWith(owner, { name: `guide-${randomUUID().slice(0, 8)}`, kind: "guide" }, { "a.txt": randomUUID() }))
      .commitId;
  const tried = (guide: string, guideCommitId: string, unitHash = unit) =>
    inTransaction(database(), (transaction) =>
      tryOf(
        transaction,
        { unitHash, guideWeightsSha256: sha256(guide) },
        { components: [sha256("model")], guideCommitId },
      ),
    );
  let annsGuide: string;

  beforeAll(async () => {
    const { repo } = await newRepoWith(ann!, { name: "model", kind: "base" }, { "a.txt": "a" });
    holder = repo.id;
    annsGuide = await guideOf(ann!);
    await weightsCame(sha256("model"), at(1));
  });

  test("is measured with what was promised before the younger of both came", async () => {
    for (const [name, day] of [
      ["one", 0.5],
      ["two", 3],
      ["three", 7.5],
    ] as const)
      await weightsCame(sha256(name), at(day));
    expect(await tried("one", annsGuide)).toEqual({ number: 1, period: 1 });
    expect(await tried("two", annsGuide)).toEqual({ number: 2, period: 1 });
    expect(await tried("three", annsGuide)).toEqual({ number: 3, period: 2 });
  });

  test("stays with that whoever asks again, and a copy of somebody else's is the same try", async () => {
    await weightsCame(sha256("four"), at(20));
    await database().repoWeights.deleteMany({ where: { weightsSha256: sha256("one") } });
    expect(await tried("one", await guideOf(ben!))).toEqual({ number: 1, period: 1 });
    expect(await tried("two", annsGuide)).toEqual({ number: 2, period: 1 });
  });

  test("counts with those of the same person and of the same namespace, on the same unit alone", async () => {
    expect((await tried("five", annsGuide, sha256("another unit"))).number).toBe(1);
    expect((await tried("six", await guideOf(ben!))).number).toBe(1);
    await createOrganisation(ann!, { name: "lab", displayName: "Lab" });
    const { id: namespaceId } = await database().namespace.findUniqueOrThrow({ where: { nameKey: "lab" } });
    await database().member.create({ data: { namespaceId, userId: ben!.userId, role: "writer" } });
    const inLab = (person: Person): Promise<string> => guideOf({ ...person, name: "lab" });
    expect((await tried("seven", await inLab(ann!))).number).toBe(4); // behind three of ann's own
    expect((await tried("eight", await inLab(ben!))).number).toBe(3); // behind one of ben's own and one of the lab's
    expect((await tried("nine", annsGuide)).number).toBe(5);
  });

  test("counts once, however many come at the same moment", async () => {
    const other = sha256("a unit of its own");
    const names = Array.from({ length: 8 }, (_, i) => `at once ${i}`);
    const numbers = await Promise.all(names.map(async (name) => (await tried(name, annsGuide, other)).number));
    expect(numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
