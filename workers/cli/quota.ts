import { Command } from "commander";

export const quotaCommand = new Command("quota")
  .description(
    "What a person or organisation of a hub has, of what it may have; with options: let it have more, or less.",
  )
  .argument("<name>", "of the person or organisation")
  .option("--bytes <size>", "of all contents, like 500GB")
  .option("--files <count>", "contents, each once a repo")
  .option("--repos <count>", "repos")
  .option("--jobs <count>", "of a person: that may wait at once")
  .option("--device-time <time>", "of a person: that workers compute in 24 hours, like 8h")
  .option("--json", "print one JSON object", false)
  .addHelpText("after", "\nA value of “default” goes back to what the configuration of the hub says.")
  .action(async (name: string, options: { json: boolean }) => (await import("./run-quota.ts")).runQuota(name, options));
