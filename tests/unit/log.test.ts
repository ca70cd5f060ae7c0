import { spawnSync } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const log = fileURLToPath(new URL("../../lib/log.ts", import.meta.url));

/** A program that logs three lines, longer than what is held back for a disk that is full. */
const program = `import { log } from ${JSON.stringify(log)}; for (let i = 0; i < 3; i++) log().info("x".repeat(600_000)); console.log("done");`;

test("a log that cannot be written fails nothing", ({ skip }) => {
  if (!existsSync("/dev/full")) skip("no /dev/full here, where every write finds the disk full");
  const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", openSync("/dev/full", "w")],
    encoding: "utf8",
  });
  expect([status, stdout]).toEqual([0, "done\n"]);
});
