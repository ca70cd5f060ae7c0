import { describe, expect, test } from "vitest";
import { readGuideFile } from "#lib/diffusion/guide-network.ts";
import { signatureOf } from "#lib/diffusion/model-files.ts";
import { openModel } from "#lib/diffusion/open-model.ts";
import { contractOf } from "#lib/pairing/contract.ts";
import { isOfThisVersion, protocolKey } from "#lib/pairing/protocol.ts";
import { structureMismatches, type UNetSignature } from "#lib/pairing/signature.ts";
import { starter } from "../../support/golden.ts";

const signature: UNetSignature = {
  inChannels: 4,
  channels: [320, 640, 1280, 1280],
  layersPerBlock: [2, 2, 2, 2],
  downAttends: [true, true, true, false],
  crossAttentionDim: 768,
  predictionType: "epsilon",
};

describe("a contract", () => {
  test("of a guide file is that of the models it was made for", async () => {
    const guide = contractOf((await readGuideFile(starter("guide-tiny/guide.safetensors"))).config.base);
    for (const model of ["storybook", "watercolor"])
      expect(contractOf(signatureOf(await openModel(starter(model))))).toBe(guide);
  });

  test("of Stable Diffusion 1.5 can be read by people", () => {
    expect(contractOf(signature)).toBe("unet-in4-c320.640.1280.1280-l2.2.2.2-a1110-t768-eps");
  });

  test("differs exactly where the structure does", () => {
    const changes: Partial<UNetSignature>[] = [
      {},
      { inChannels: 9 },
      { channels: [320, 640, 1280] },
      { channels: [3206, 40, 1280, 1280] }, // would be equal without separators
      { layersPerBlock: [2, 2, 2, 1] },
      { downAttends: [true, true, true, true] },
      { crossAttentionDim: 1024 },
      { predictionType: "v_prediction" },
    ];
    const all = changes.map((change) => ({ ...signature, ...change }));
    for (const a of all)
      for (const b of all) expect(contractOf(a) === contractOf(b)).toBe(structureMismatches(a, b).length === 0);
  });
});

test("a protocol is its version and what reads the pictures", () => {
  const judges = { evaluators: [{ sha256: "8".repeat(64) }] };
  expect(protocolKey(judges)).toBe("v4-e888888888888");
  const two = [{ sha256: "9".repeat(64) }, ...judges.evaluators];
  expect(protocolKey({ evaluators: two })).toBe("v4-e888888888888.999999999999");
  expect(protocolKey({ evaluators: [] })).toBe("v4-e0");
  expect(["v4-e0", "v1-e0-p0-n48", "v3-e0", "v41-e0"].map(isOfThisVersion)).toEqual([true, false, false, false]);
});
