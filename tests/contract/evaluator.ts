import { describe, expect, test } from "vitest";
import type { Evaluator, Seen } from "#lib/measure/evaluator.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { type FloatTensor, rows } from "#lib/tensor/tensor.ts";

/** An evaluator, prompts that it can score, and as many pictures: whichever it looks at. */
export interface EvaluatorCase {
  readonly evaluator: Evaluator;
  readonly prompts: readonly [string, string, string];
  readonly latents: FloatTensor;
  readonly pictures: readonly Picture[];
  /** A style that it is known to read. */
  readonly domain: string | null;
}

/** What every evaluator keeps to. */
export function evaluatorContract(open: () => Promise<EvaluatorCase>): void {
  /** Pictures begin … end − 1, scored against prompts from `begin` on. */
  const reader =
    ({ evaluator, latents, pictures, domain }: EvaluatorCase, prompts: readonly string[]) =>
    async (begin: number, end: number, first = begin): Promise<Seen> => {
      const scoring = await evaluator.expect(prompts, domain);
      const drawn = {
        latents: rows(latents, begin, end),
        pictures: async () =>
          evaluator.looksAt === "pictures" ? pictures.slice(begin, end) : expect.unreachable("nothing decodes these"),
      };
      return scoring.read(drawn, first);
    };
  const withCase = (run: (one: EvaluatorCase) => Promise<void>) => async () => {
    const one = await open();
    await run(one).finally(() => one.evaluator.close());
  };

  describe("as every evaluator", () => {
    test(
      "its own prompts, if it has any, differ, can be scored, and begin alike whatever their number",
      withCase(async ({ evaluator }) => {
        for (const key of [null, "a key"]) {
          const own = evaluator.ownPrompts(12, key);
          if (own === null) return expect(evaluator.ownPrompts(1, key)).toBeNull();
          expect(new Set(own).size).toBe(12);
          expect(evaluator.ownPrompts(5, key)).toEqual(own.slice(0, 5));
          expect(evaluator.ownPrompts(5, "another key")).not.toEqual(own.slice(0, 5));
          await evaluator.expect(own, null);
        }
      }),
    );

    test(
      "says what it scores, or why nothing, and notes in whole sentences",
      withCase(async ({ evaluator, prompts, domain: known }) => {
        expect(evaluator.silenceOn(known)).toBeNull();
        expect((await evaluator.expect(prompts, known)).scored.length).toBeGreaterThan(0);
        const silence = evaluator.silenceOn("a style nobody knows");
        const { scored, unscored, domain, notes } = await evaluator.expect(prompts, "a style nobody knows");
        expect([scored.length > 0, unscored, domain]).toEqual([silence === null, [], null]);
        for (const sentence of [...notes, silence ?? "It scores."]) expect(sentence).toMatch(/^[A-Z].*\.$/s);
      }),
    );

    test(
      "gives each picture a number and a row of features, of which no product is above 1",
      withCase(async (one) => {
        const { scores, features } = await reader(one, one.prompts)(0, 3);
        expect(scores).toHaveLength(3);
        expect(scores.every(Number.isFinite)).toBe(true);
        const [count, width] = features.shape as [number, number];
        expect(count).toBe(3);
        for (let i = 0; i < 3; i++) {
          const { data } = rows(features, i, i + 1);
          expect(data.reduce((sum, value) => sum + value * value, 0) / width).toBeLessThanOrEqual(1 + 1e-5);
        }
      }),
    );

    test(
      "scores a picture the same beside others and alone, by the prompt that it was drawn for",
      withCase(async (one) => {
        const read = reader(one, one.prompts);
        const together = await read(0, 3);
        for (let i = 0; i < 3; i++) {
          const alone = await read(i, i + 1);
          expect(alone.scores[0]).toBeCloseTo(together.scores[i]!, 5);
          rows(together.features, i, i + 1).data.forEach((value, k) =>
            expect(alone.features.data[k]).toBeCloseTo(value, 4),
          );
          const asOnly = await reader(one, [one.prompts[i]!])(i, i + 1, 0);
          expect(asOnly.scores[0]).toBeCloseTo(together.scores[i]!, 5);
        }
        const others = await Promise.all([1, 2].map((first) => read(0, 1, first)));
        expect(new Set([together, ...others].map(({ scores }) => scores[0]!.toFixed(4))).size).toBeGreaterThan(1);
      }),
    );
  });
}
