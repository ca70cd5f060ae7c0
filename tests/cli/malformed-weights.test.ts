import { stat, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { remedies } from "#lib/weights/safetensors-defects.ts";
import { guidepost, temporaryFolder } from "../support/cli.ts";
import { starter } from "../support/golden.ts";
import { corpus } from "../support/safetensors-corpus.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** One file for each defect that a header can have. */
const samples = Object.keys(remedies).map((defect) => corpus.find((file) => file.defect === defect)!);

test.for(samples)(
  "$defect ($what) in a low-rank file is one sentence naming the file, and no picture",
  async ({ id, build }) => {
    const [lora, out] = [folder.path(`${id}.safetensors`), folder.path("out.png")];
    await writeFile(lora, build());
    const { code, stdout, stderr } = await guidepost(
      "sample",
      starter("storybook"),
      "--prompt",
      "a red boat",
      "--steps",
      "1",
      "--lora",
      lora,
      "-o",
      out,
    );
    expect(stderr).toMatch(new RegExp(`^${id}\\.safetensors: .*; .*\\.\\n$`));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    await expect(stat(out)).rejects.toMatchObject({ code: "ENOENT" });
  },
);
