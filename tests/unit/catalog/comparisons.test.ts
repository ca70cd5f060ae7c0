import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { anonymous } from "#lib/auth/actor.ts";
import { createToken } from "#lib/auth/token.ts";
import { answerComparison, comparisonPicture, getComparison, getTally } from "#lib/catalog/comparisons/service.ts";
import { questionsFor } from "#lib/catalog/comparisons/questions.ts";
import type { Question } from "#lib/catalog/comparisons/schema.ts";
import { requireVoter, type Viewer } from "#lib/catalog/comparisons/voter.ts";
import { getPair } from "#lib/catalog/pairs/views.ts";
import { database } from "#lib/db/client.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { readPngText } from "#lib/picture/png.ts";
import { readPng } from "#lib/picture/read-png.ts";
import { wilson } from "#lib/util/wilson.ts";
import { type DrawnMode, fillComparedPair } from "../../support/compared-pair.ts";
import { fillPreviewHub, type PreviewHub } from "../../support/previews.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { GET as getPictureRoute } from "../../../app/api/v1/pairs/[id]/comparison/[question]/picture/route.ts";
import { POST as answerRoute } from "../../../app/api/v1/pairs/[id]/comparison/route.ts";

// Two pictures of one seed: the guide's is black and CFG's is white, so that a test sees which is which and nothing else need say it.

const hub = await useTempHub();
let people: PreviewHub;
let pair: string;
const [WIDTH, HEIGHT] = [6, 4];
const shade = { conditional: 128, guide: 0, cfg: 255 } as const;

beforeAll(async () => {
  people = await fillPreviewHub();
  const rgb = (mode: DrawnMode) => new Uint8Array(3 * WIDTH * HEIGHT).fill(shade[mode]);
  pair = await fillComparedPair((mode) => ({ width: WIDTH, height: HEIGHT, rgb: rgb(mode) }));
}, 600_000);
afterEach(async () => {
  await database().comparisonAnswer.deleteMany();
  await database().throttle.deleteMany();
});
afterAll(() => hub.close());

const as = (actor: Viewer["actor"], address = "192.0.2.1"): Viewer => ({ actor, address });
const refusal = (work: Promise<unknown>): Promise<AppError> =>
  work.then(
    () => expect.unreachable("it should have been refused"),
    (failure: AppError) => failure,
  );

/** Whose picture is the first, seen as anybody with eyes would. */
async function firstOf(viewer: Viewer, { id }: Question): Promise<"guide" | "cfg"> {
  const { rgb } = readPng(await comparisonPicture(viewer, pair, id), "both");
  return rgb[0] === shade.guide ? "guide" : "cfg";
}

async function answerAll(viewer: Viewer, likes: "guide" | "cfg" | "neither"): Promise<("guide" | "cfg")[]> {
  const orders: ("guide" | "cfg")[] = [];
  for (;;) {
    const { question } = await getComparison(viewer, pair);
    if (!question) return orders;
    const first = await firstOf(viewer, question);
    orders.push(first);
    const answer = likes === "neither" ? likes : first === likes ? "first" : "second";
    await answerComparison(viewer, pair, { question: question.id, answer });
  }
}

describe("what somebody is asked", () => {
  test("is one picture of both, that has no word in it, nor anything in its address or answer that tells", async () => {
    const { question, own, reason } = await getComparison(as(people.ben), pair);
    expect({ own, reason }).toEqual({ own: 0, reason: null });
    expect(question).toMatchObject({ number: 1, of: 8, width: WIDTH, height: HEIGHT });
    const png = await comparisonPicture(as(people.ben), pair, question!.id);
    expect([...readPngText(png)]).toEqual([]);
    expect(Buffer.from(png).toString("latin1")).not.toMatch(/tEXt|iTXt|zTXt|eXIf|tIME/);
    const { width, height, rgb } = readPng(png, "both");
    expect({ width, height }).toEqual({ width: 2 * WIDTH, height: HEIGHT });
    expect([rgb[0], rgb[3 * WIDTH]].toSorted((a, b) => a! - b!)).toEqual([shade.guide, shade.cfg]);

    const params = Promise.resolve({ id: pair, question: question!.id });
    const { secret: run } = await createToken(people.ben, { name: "r", scopes: ["read", "run"] });
    const asked = new Request(env().publicUrl + question!.picture, { headers: { authorization: `Bearer ${run}` } });
    const answer = await getPictureRoute(asked, { params });
    expect(Buffer.from(await answer.arrayBuffer()).equals(Buffer.from(png))).toBe(true);
    const told = JSON.stringify([...answer.headers, question]);
    for (const { blobSha256 } of await database().previewImage.findMany()) expect(told).not.toContain(blobSha256);
    expect(told).not.toMatch(/guide|cfg/i);
  });

  test("is the same when they look again, and another order for others", async () => {
    const once = await getComparison(as(people.ben), pair);
    expect(await getComparison(as(people.ben), pair)).toEqual(once);
    const orders = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const other = { ...people.ben, userId: `somebody-${i}` };
        const asked = await questionsFor(other, pair, requireVoter(as(other)));
        return asked.map(({ promptSha256, guideIsFirst }) => `${promptSha256} ${guideIsFirst}`);
      }),
    );
    const firsts = orders.flat().filter((one) => one.endsWith("true")).length;
    expect(orders.every(({ length }) => length === 8)).toBe(true);
    expect(firsts).toBeGreaterThan(50); // of 160; that a fair coin gives fewer, or more than 110, happens once in a million
    expect(firsts).toBeLessThan(110);
    expect(new Set(orders.map((order) => order.join())).size).toBe(20);
  });

  test("is theirs alone: somebody else's question shows nothing and takes no answer", async () => {
    const { question } = await getComparison(as(people.ben), pair);
    const answer = { question: question!.id, answer: "first" } as const;
    expect(await refusal(answerComparison(as(people.ann), pair, answer))).toMatchObject({ code: "conflict" });
    expect(await refusal(comparisonPicture(as(people.ann), pair, question!.id))).toMatchObject({ code: "not_found" });
  });
});

describe("answers", () => {
  test("count once for a person and a prompt, also when they come at once", async () => {
    const { question } = await getComparison(as(people.ben), pair);
    const answer = { question: question!.id, answer: "first" } as const;
    const came = await Promise.allSettled(
      Array.from({ length: 5 }, () => answerComparison(as(people.ben), pair, answer)),
    );
    expect(came.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await database().comparisonAnswer.count()).toBe(1);
    const [row] = await database().comparisonAnswer.findMany();
    expect(row).toMatchObject({ userId: people.ben.userId, addressKey: null });
    expect(row!.preferred).toBe(row!.guideWasFirst ? "guide" : "cfg");
    const { userId, pairId, promptSha256 } = row!;
    const again = { pairId, promptSha256, userId, guideWasFirst: true, preferred: "cfg" as const };
    await expect(database().comparisonAnswer.create({ data: again })).rejects.toMatchObject({ code: "P2002" });
    const ofNobody = { pairId, promptSha256, guideWasFirst: true, preferred: "cfg" as const };
    await expect(database().comparisonAnswer.create({ data: ofNobody })).rejects.toThrow(/comparison_answer_of_one/);
  });

  test("are of those who are signed in, where the operator says nothing", async () => {
    const { question, reason } = await getComparison(as(anonymous), pair);
    expect(question).toBeNull();
    expect(reason).toMatch(/sign in to answer/);
    const answer = { question: "0".repeat(32), answer: "first" } as const;
    expect(await refusal(answerComparison(as(anonymous), pair, answer))).toMatchObject({ code: "forbidden" });
  });

  test("of who is not signed in count once for an address, where the operator asks anybody", async () => {
    const settings = env() as { answers: "signed-in" | "anybody" };
    settings.answers = "anybody";
    try {
      await answerAll(as(anonymous), "guide");
      expect((await getComparison(as(anonymous), pair)).reason).toBe("You have looked at all pictures of this pair.");
      expect((await getComparison(as(anonymous, "192.0.2.9"), pair)).question).not.toBeNull();
      const rows = await database().comparisonAnswer.findMany();
      expect(rows).toHaveLength(8);
      expect(new Set(rows.map(({ addressKey }) => addressKey)).size).toBe(1);
      expect(JSON.stringify(rows)).not.toContain("192.0.2");
      expect(rows.every(({ preferred }) => preferred === "guide")).toBe(true);
    } finally {
      settings.answers = "signed-in";
    }
  });

  test("from thirty on are told with Wilson's interval, and never before; the verdict is what it was", async () => {
    const before = await getPair(anonymous, pair, true);
    await answerAll(as(people.ben), "guide");
    const { promptSha256 } = await database().comparisonAnswer.findFirstOrThrow();
    const others = (count: number, from: number, preferred: "guide" | "cfg" | "neither") =>
      Array.from({ length: count }, (_, i) => ({
        pairId: pair,
        promptSha256,
        guideWasFirst: true,
        preferred,
        addressKey: (from + i).toString(16).padStart(64, "0"),
      }));
    await database().comparisonAnswer.createMany({ data: [...others(13, 0, "cfg"), ...others(8, 100, "neither")] });
    expect(await getTally(anonymous, pair)).toEqual({ answers: 29, enough: 30, said: null });
    await database().comparisonAnswer.createMany({ data: others(1, 200, "guide") });
    expect(await getTally(anonymous, pair)).toEqual({
      answers: 30,
      enough: 30,
      said: { guide: 9, cfg: 13, neither: 8, share: { ...wilson(9, 22), n: 22 } },
    });
    expect(await getPair(anonymous, pair, true)).toEqual(before);
  });

  test("come too often from one person: the next has to wait", async () => {
    const { question } = await getComparison(as(people.ben), pair);
    const answer = { question: question!.id, answer: "neither" } as const;
    await answerComparison(as(people.ben), pair, answer);
    await database().throttle.updateMany({ data: { count: 300 } });
    expect(await refusal(answerComparison(as(people.ben), pair, answer))).toMatchObject({ code: "rate_limited" });
  });

  test("that are none are refused by their form", async () => {
    const { secret } = await createToken(people.ben, { name: "t", scopes: ["read", "run"] });
    const { question } = await getComparison(as(people.ben), pair);
    for (const body of [{}, { question: "x", answer: "first" }, { question: question!.id, answer: "guide" }, []]) {
      const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
      const request = new Request(`${env().publicUrl}/`, { method: "POST", headers, body: JSON.stringify(body) });
      expect((await answerRoute(request, { params: Promise.resolve({ id: pair }) })).status).toBe(400);
    }
  });

  test("are of whoever may see the pair, and go with it", async () => {
    const of = (visibility: "public" | "private") =>
      database().repo.updateMany({ where: { name: "watercolor" }, data: { visibility } });
    const { question } = await getComparison(as(people.ben), pair);
    await of("private");
    const answer = { question: question!.id, answer: "first" } as const;
    for (const work of [
      () => getComparison(as(people.ben), pair),
      () => getTally(anonymous, pair),
      () => answerComparison(as(people.ben), pair, answer),
      () => comparisonPicture(as(people.ben), pair, question!.id),
    ])
      expect(await refusal(work())).toMatchObject({ code: "not_found" });
    expect((await getComparison(as(people.ann), pair)).question).not.toBeNull();
    await of("public");
  });
});

test("Wilson's interval is the one of the tables", () => {
  // Newcombe 1998, “Two-sided confidence intervals for the single proportion”, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  const rounded = (count: number, n: number) => [wilson(count, n).low, wilson(count, n).high].map((x) => x.toFixed(4));
  expect(rounded(81, 263)).toEqual(["0.2553", "0.3662"]);
  expect(rounded(15, 148)).toEqual(["0.0624", "0.1605"]);
  expect(rounded(0, 20)).toEqual(["0.0000", "0.1611"]);
  expect(rounded(1, 29)).toEqual(["0.0061", "0.1718"]);
});
