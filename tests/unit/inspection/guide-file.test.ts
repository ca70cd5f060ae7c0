import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inspectPath } from "#lib/inspection/inspect-path.ts";
import { inspectionLines } from "#workers/cli/inspect.ts";
import { toFile, validGuide } from "../../fixtures/guide-file/file.ts";
import { variants, variantTable } from "../../fixtures/guide-file/variants.ts";
import { guidepost, temporaryFolder } from "../../support/cli.ts";

const fixture = fileURLToPath(new URL("../../fixtures/guide-file", import.meta.url));
const page = readFileSync(fileURLToPath(new URL("../../../docs/guide-file.md", import.meta.url)), "utf8");

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => void (folder = await temporaryFolder()));
afterAll(() => folder.remove());

async function writeGuide(bytes: Uint8Array): Promise<string> {
  await writeFile(folder.path("guide.safetensors"), bytes);
  return folder.path("guide.safetensors");
}

describe("the guide file of docs/guide-file.md", () => {
  test("is the committed one, byte for byte", () => {
    expect(readFileSync(join(fixture, "guide.safetensors")).equals(toFile(validGuide()))).toBe(true);
  });

  test("runs, and inspect tells what it was made for", async () => {
    const inspection = await inspectPath(join(fixture, "guide.safetensors"));
    expect(inspection).toMatchObject({
      kind: "guide",
      weightsFitConfig: true,
      runs: true,
      problems: [],
      guide: {
        variant: "fixture",
        widths: [4, 8],
        minGuidance: 1,
        maxGuidance: 8,
        referenceGuidance: 5,
        trainedOn: { "train.steps": "0" },
      },
    });
    expect(inspection.guide!.base).toEqual({
      sha256: "5eed".repeat(16),
      inChannels: 4,
      channels: [8, 12],
      layersPerBlock: [1, 2],
      downAttends: [true, false],
      crossAttentionDim: 6,
      predictionType: "epsilon",
    });
  });

  test.each(variants)("$what: inspect says what the page says", async ({ build, says, isRefused }) => {
    const path = await writeGuide(build());
    if (isRefused) {
      const failure: unknown = await inspectPath(path).catch((cause: unknown) => cause);
      expect(failure).toMatchObject({ code: "malformed_weights", message: says[0] });
      return;
    }
    const inspection = await inspectPath(path);
    expect(inspection.problems).toEqual(says);
    expect(inspection).toMatchObject({ kind: "guide", runs: says.length === 0 });
    const lines = inspectionLines(inspection).filter((line) => line.startsWith("problem "));
    expect(lines.map((line) => line.replace(/^problem +/, ""))).toEqual(says);
  });

  test("a variant of which the file is right is another file all the same", () => {
    const files = [toFile(validGuide()), ...variants.map(({ build }) => build())].map((bytes) =>
      Buffer.from(bytes).toString("base64"),
    );
    expect(new Set(files).size).toBe(files.length);
  });

  test("the page has the table of them", () => {
    expect(page).toContain(variantTable());
  });
});

describe("the command line", () => {
  test("tells of a faulty guide on standard output, and of what is no weights file on standard error", async () => {
    const faulty = variants.find(({ id }) => id === "version")!;
    const inspected = await guidepost("inspect", await writeGuide(faulty.build()));
    expect(inspected).toMatchObject({ code: 0, stderr: "" });
    expect(inspected.stdout).toContain(faulty.says[0]);
    const cut = variants.find(({ id }) => id === "cut-off")!;
    expect(await guidepost("inspect", await writeGuide(cut.build()))).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining(cut.says[0]!),
    });
  });
});
