import { Command } from "commander";

export const fsckCommand = new Command("fsck")
  .description(
    "Prove that the rows and the bytes of a hub agree, while it runs or not. Changes nothing; exit code 1 when they do not.",
  )
  .option("--deep", "read every byte again and compare its sha256", false)
  .option("--json", "print one JSON object", false)
  // Loaded when it is asked for: database and store would make every other command start later.
  .action(async (options: { deep: boolean; json: boolean }) => (await import("./run-fsck.ts")).runFsck(options));
