import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Claims } from "../../bench/claims/claims.ts";
import { finished } from "../support/cli.ts";

const command = fileURLToPath(new URL("../../guidepost.js", import.meta.url));
const main = fileURLToPath(new URL("../../bench/claims/main.ts", import.meta.url));

/** Five minutes of two processors that do nothing else; vitest would end it after as many. */
const RUN_MS = 3_600_000;

// What is small enough to be measured each time; the whole is `npm run claims`, which writes docs/claims.md.
test(
  "the claims, in their quick form: size, cost, the dial, two models, and controls that come out bad",
  async () => {
    const child = spawn(process.execPath, [command, "run", main, "--quick"], { stdio: ["ignore", "pipe", "pipe"] });
    const { code, stdout, stderr } = await finished(child);
    expect(code, stderr).toBe(0);
    const claims = JSON.parse(stdout) as Claims;

    expect(claims.parameters.share).toBeLessThanOrEqual(0.01);
    expect(claims.parameters.trainableOfBase).toBe(0);
    expect(claims.compute.macsRatio).toBeLessThanOrEqual(0.51);
    expect(claims.compute.wallRatio).toBeGreaterThan(0);

    expect(claims.transfer.map(({ name }) => name)).toEqual(["storybook", "watercolor"]);
    for (const { name, recovered, fidelity, fvu } of claims.transfer) {
      const [low, high] = recovered!.interval;
      expect([name, low < recovered!.value, recovered!.value < high, recovered!.n]).toEqual([name, true, true, 48]);
      expect([name, fidelity.guide > fidelity.conditional, fidelity.cfg > fidelity.conditional]).toEqual([
        name,
        true,
        true,
      ]);
      expect([name, fvu! < 1]).toEqual([name, true]);
    }
    for (const style of ["storybook", "watercolor"]) {
      const dial = claims.dial.filter(({ name }) => name === style);
      expect(dial.map(({ cfgSteps, passes }) => [cfgSteps, passes])).toEqual([
        [0, 20],
        [2, 22],
        [5, 25],
      ]);
      const distances = dial.map(({ sameSeedDistance }) => sameSeedDistance);
      expect(distances).toEqual(distances.toSorted((a, b) => b - a)); // the more steps are CFG's, the nearer its pictures
    }
    expect(claims.controls.map(({ name, isBad }) => [name, isBad])).toEqual(
      [
        "a permuted twin of the base",
        "re-initialised weights",
        "a v-prediction claim",
        "a shuffled guide",
        "a wrong w embedding",
        "a zero guide",
      ].map((name) => [name, true]),
    );
  },
  RUN_MS,
);
