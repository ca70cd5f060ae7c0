import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Draws the pictures of the README, each with the command line as anyone would: `node guidepost.js run docs/pictures/make.ts`. */
const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const models = {
  watercolor: [at("starter/watercolor")],
  clay: [at("starter/storybook"), "--lora", at("starter/clay-lora/clay.safetensors")],
  pixel: [at("starter/storybook"), "--lora", at("starter/pixel-lora/pixel.safetensors")],
};

for (const [name, model] of Object.entries(models)) {
  for (const mode of ["conditional", "guide", "cfg"]) {
    const request = [
      "--prompt",
      "a big purple mushroom in the snow",
      "--seed",
      "1",
      "--batch",
      "4",
      "--mode",
      mode,
      "--guide",
      at("starter/guide-tiny/guide.safetensors"),
    ];
    const { status } = spawnSync(
      process.execPath,
      [
        at("workers/cli/main.ts"),
        "sample",
        ...model,
        ...request,
        "--threads",
        "2",
        "-o",
        at(`docs/pictures/${name}-${mode}.png`),
      ],
      { stdio: "inherit" },
    );
    if (status !== 0) process.exit(status ?? 1);
  }
}
