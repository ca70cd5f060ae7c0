import { Command } from "commander";

export const identifyCommand = new Command("identify")
  .description(
    "Say which files of a folder are on a hub, and which guides work on them. Reads each file of weights whole and sends nothing but hashes.",
  )
  .argument("<place>", "a folder, or one file")
  .option("--hub <address>", "the hub (default: HF_ENDPOINT, else http://localhost:3000)")
  .option("--json", "print one JSON object", false)
  .action(async (place: string, options: { hub?: string; json: boolean }) =>
    (await import("./run-identify.ts")).runIdentify(place, options),
  );
