import { Command } from "commander";

export const doctorCommand = new Command("doctor")
  .description(
    "Say what this machine has for running networks and a hub: Node, providers, memory, disk, database, store. Leaves nothing behind; exit code 2 when something is wrong.",
  )
  .option("--json", "print one JSON object", false)
  // Loaded when it is asked for: database and store would make every other command start later.
  .action(async (options: { json: boolean }) => (await import("./run-doctor.ts")).runDoctor(options));
