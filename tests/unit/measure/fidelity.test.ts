import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { keptShare, openAttributeEvaluator, type Reading } from "#lib/measure/attribute-evaluator.ts";
import { composeCaptions, parseCaption } from "#lib/measure/captions.ts";
import type { Vocabulary } from "#lib/measure/evaluator-network.ts";
import { summarise } from "#lib/measure/fidelity.ts";
import { accuraciesOn } from "#lib/pairing/measured-accuracies.ts";
import { scenesPath } from "#lib/measure/style/known-scenes.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { rows } from "#lib/tensor/tensor.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import { evaluatorContract } from "../../contract/evaluator.ts";
import { readTensors, starter, testRuntime } from "../../support/golden.ts";

const vocabulary: Vocabulary = {
  backgrounds: ["at sea", "at night"],
  kinds: ["boat", "star"],
  colors: ["red", "blue"],
  sizes: ["small", "big"],
};
const all = ["background", "present", "color", "size"] as const;

describe("captions", () => {
  test("are read into indices of the vocabulary", () => {
    expect(parseCaption("a big blue star and a small red boat at night", vocabulary)).toEqual({
      background: 1,
      things: [
        { kind: 1, color: 1, size: 1 },
        { kind: 0, color: 0, size: 0 },
      ],
    });
  });

  test.each([
    "a big blue star",
    "a blue star at sea",
    "the big blue star at sea",
    "a big blue comet at sea",
    "a big blue star and a small red star at sea",
    "",
    "at sea",
  ])("%j is refused", (caption) => {
    expect(() => parseCaption(caption, vocabulary)).toThrow(/cannot be scored/);
  });

  test("that are composed can be read, differ, use every word and begin alike whatever their number", async () => {
    const { vocabulary: words } = await openAttributeEvaluator(starter("evaluator/evaluator.safetensors"), testRuntime);
    const captions = composeCaptions(words, 96);
    expect(new Set(captions).size).toBe(96);
    expect(composeCaptions(words, 16)).toEqual(captions.slice(0, 16));
    const wanted = captions.map((caption) => parseCaption(caption, words));
    const used = (of: keyof (typeof wanted)[number]["things"][number]): number =>
      new Set(wanted.flatMap(({ things }) => things.map((thing) => thing[of]))).size;
    expect([
      used("kind"),
      used("color"),
      used("size"),
      new Set(wanted.map(({ background }) => background)).size,
    ]).toEqual([10, 8, 2, 6]);
    expect(wanted.filter(({ things }) => things.length === 2).length).toBeGreaterThan(40);
  });
});

describe("the share of a prompt that a picture keeps", () => {
  const wanted = parseCaption("a big blue star at night", vocabulary);
  const reading = (star: Reading["kinds"][number], background = 1): Reading => ({
    background,
    kinds: [{ present: false, color: 0, size: 0 }, star],
  });

  test("counts the background, and of each thing its presence, colour and size", () => {
    expect(keptShare(wanted, reading({ present: true, color: 1, size: 1 }), all)).toBe(1);
    expect(keptShare(wanted, reading({ present: true, color: 0, size: 1 }), all)).toBe(0.75);
    expect(keptShare(wanted, reading({ present: true, color: 1, size: 1 }, 0), all)).toBe(0.75);
  });

  test("a thing that is not seen keeps neither colour nor size", () => {
    expect(keptShare(wanted, reading({ present: false, color: 1, size: 1 }), all)).toBe(0.25);
  });

  test("attributes that are not scored count neither way", () => {
    expect(keptShare(wanted, reading({ present: true, color: 0, size: 1 }), ["background", "present", "size"])).toBe(1);
    expect(keptShare(wanted, reading({ present: false, color: 1, size: 1 }), ["background", "size"])).toBe(1);
  });
});

describe("the evaluator", () => {
  evaluatorContract(async () => {
    const path = scenesPath;
    const { header } = await readWeightsFile(path);
    const [a, b, c] = JSON.parse(header.metadata.get("captions")!) as [string, string, string];
    return {
      evaluator: await openAttributeEvaluator(starter("evaluator/evaluator.safetensors"), testRuntime),
      prompts: [a, b, c],
      latents: rows((await readTensors(path)).get("latents")!, 0, 3),
      pictures: [],
      domain: "storybook",
    };
  });

  test.each(["storybook", "pencil"])("reads rendered scenes in %s as well as was measured of it", async (domain) => {
    const evaluator = await openAttributeEvaluator(starter("evaluator/evaluator.safetensors"), testRuntime);
    const source = await openFile(
      domain === "storybook"
        ? scenesPath
        : fileURLToPath(new URL(`../../golden/evaluator/${domain}.safetensors`, import.meta.url)),
    );
    const { metadata, tensors } = await readHeader(source);
    const { readings } = await evaluator.read(await readTensor(source, tensors.get("latents")!));
    const wanted = (JSON.parse(metadata.get("captions")!) as string[]).map((caption) =>
      parseCaption(caption, evaluator.vocabulary),
    );

    const share = (right: readonly boolean[]): number => right.filter(Boolean).length / right.length;
    const things = wanted.flatMap(({ things: named }, i) =>
      named.map((thing) => ({ thing, seen: readings[i]!.kinds[thing.kind]! })),
    );
    const claimed = accuraciesOn(await sha256OfFile(starter("evaluator/evaluator.safetensors")), domain)!;
    expect(share(wanted.map(({ background }, i) => readings[i]!.background === background))).toBeCloseTo(
      claimed.background,
      1,
    );
    expect(Math.abs(share(things.map(({ thing, seen }) => seen.color === thing.color)) - claimed.color)).toBeLessThan(
      0.05,
    );
    expect(Math.abs(share(things.map(({ thing, seen }) => seen.size === thing.size)) - claimed.size)).toBeLessThan(
      0.03,
    );
    const exact = wanted.map(({ things: named }, i) =>
      readings[i]!.kinds.every(({ present }, kind) => present === named.some((thing) => thing.kind === kind)),
    );
    expect(Math.abs(share(exact) - claimed.present)).toBeLessThan(0.05);
    await source.close();
    await evaluator.close();
  });
});

describe("what pictures say in sum", () => {
  const scores = (n: number) =>
    Array.from({ length: n }, (_, i) => ({
      conditional: (i % 4) / 4,
      guide: (i % 4) / 4 + 0.15 + (i % 3) / 100,
      cfg: (i % 4) / 4 + 0.2 + (i % 5) / 100,
    }));

  test("of a look has the recovered share, with what it is certain of", () => {
    const { gain, recovered, claims, unreadable } = summarise(scores(48), 1);
    expect([gain.n, recovered!.n, unreadable]).toEqual([48, 48, []]);
    expect(recovered!.value).toBeCloseTo(0.16 / gain.value, 2);
    expect(claims!.gain.isCertain).toBe(true);
  });

  test("of fewer prompts than a look asks for claims nothing", () => {
    expect(summarise(scores(47), 1)).toMatchObject({ recovered: null, claims: null, cfg: { n: 47 } });
    expect(summarise(scores(1), 1)).toMatchObject({ recovered: null, claims: null, cfg: { n: 1 } });
  });

  test("names the modes that could not be read", () => {
    const broken = scores(48).map((one, i) => (i === 7 ? { ...one, guide: NaN } : one));
    expect(summarise(broken, 1)).toMatchObject({ unreadable: ["guide"], claims: { verified: { isCertain: false } } });
  });
});
