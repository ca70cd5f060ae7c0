import { describe, expect, test } from "vitest";
import { parseScheduleConfig } from "#lib/diffusion/schedule-config.ts";
import { parseTextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import { parseUNetConfig } from "#lib/diffusion/unet-config.ts";
import { parseVaeConfig } from "#lib/diffusion/vae-config.ts";
import { runningFamilies } from "#lib/families/all.ts";
import { sd1 } from "#lib/families/sd1.ts";
import { sd2 } from "#lib/families/sd2.ts";
import { sdxl } from "#lib/families/sdxl.ts";
import { configsFor, variantOf } from "#lib/families/single-file.ts";
import { textEncoderProblems, unetProblems, vaeProblems } from "#lib/inspection/whole.ts";
import { saved } from "../../fixtures/inspection/checkpoints.ts";
import { headerOf } from "../../fixtures/inspection/headers.ts";

const files = (name: string) => ({ what: name, files: [headerOf(saved(name))] });
const plain = { predictionType: null, zeroTerminalSnr: false };

// The config of each family calls for exactly the tensors that the reference library saves.
describe.each([
  ["sd1", sd1.variants[0], { unet: "sd1", text_encoder: "clip-l", vae: "vae" }],
  ["sd2-v", sd2.variants[0], { unet: "sd2", text_encoder: "clip-h", vae: "vae" }],
  ["sd2-base", sd2.variants[1]!, { unet: "sd2", text_encoder: "clip-h", vae: "vae" }],
  ["sdxl", sdxl.variants[0], { unet: "sdxl", text_encoder: "clip-l", vae: "vae" }],
] as const)("%s", (id, variant, saves) => {
  const configs = configsFor(variant, plain)!;

  test("is the variant of its name", () => expect(variant.id).toBe(id));

  test("its UNet is whole", () => {
    const config = parseUNetConfig(configs.unet, "unet");
    expect(unetProblems({ ...files(saves.unet), config })).toEqual([]);
    expect(config.sampleSize).toEqual(
      parseUNetConfig({ ...configs.unet, sample_size: variant.nativeSize / 8 }, "").sampleSize,
    );
  });

  test("its text encoder is whole", () => {
    const config = parseTextEncoderConfig(configs.text_encoder, "text_encoder");
    expect(textEncoderProblems({ ...files(saves.text_encoder), config })).toEqual([]);
  });

  test("its autoencoder is whole", () => {
    expect(vaeProblems({ ...files(saves.vae), config: parseVaeConfig(configs.vae, "vae") })).toEqual([]);
  });

  test("its scheduler predicts what the variant does", () => {
    expect(parseScheduleConfig(configs.scheduler, "scheduler").predictionType).toBe(variant.predictionType);
  });
});

test("the second text encoder of SDXL is whole", () => {
  const config = parseTextEncoderConfig(sdxl.variants[0].configs!.text_encoder_2, "text_encoder_2");
  expect(textEncoderProblems({ ...files("clip-big-g"), config })).toEqual([]);
});

test.each(runningFamilies.map((family) => [family.name, family] as const))(
  "%s: what it is recognised by is what its configs say",
  (_name, { unet, textEncoders, variants, size }) => {
    for (const { configs, nativeSize } of variants) {
      const config = parseUNetConfig(configs!.unet, "unet");
      expect(config).toMatchObject({ channels: unet.channels, crossAttentionDim: unet.textWidth });
      expect(new Set(config.layersPerBlock)).toEqual(new Set([unet.layersPerBlock]));
      expect(config.downAttends).toEqual(unet.depths.map((depth) => depth > 0));
      const widths = textEncoders.map(({ folder }) => parseTextEncoderConfig(configs![folder], folder).width);
      expect(widths).toEqual(textEncoders.map(({ width }) => width));
      expect(nativeSize % size.multipleOf).toBe(0);
    }
  },
);

test("markers decide over what the variant says by itself", () => {
  const marked = configsFor(sdxl.variants[0], { predictionType: "v_prediction", zeroTerminalSnr: true })!;
  expect(marked.scheduler).toMatchObject({
    prediction_type: "v_prediction",
    rescale_betas_zero_snr: true,
    timestep_spacing: "trailing",
  });
  const lcm = configsFor(sd1.variants[0], { ...plain, guidanceWidth: 256 })!;
  expect(lcm.unet).toMatchObject({ time_cond_proj_dim: 256 });
  expect(configsFor(sd1.variants[0], plain)!.unet).not.toHaveProperty("time_cond_proj_dim");
});

test("SD 2.x is the one of 768 pixels unless something says that it predicts noise", () => {
  expect(variantOf(sd2, null).id).toBe("sd2-v");
  expect(variantOf(sd2, "epsilon")).toMatchObject({ id: "sd2-base", nativeSize: 512 });
  expect(variantOf(sd1, "v_prediction").id).toBe("sd1");
});
