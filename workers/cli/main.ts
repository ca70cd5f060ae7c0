import { Command, CommanderError } from "commander";
import { AppError } from "#lib/errors.ts";
import { printable } from "#lib/util/printable.ts";
import { version } from "#lib/version.ts";
import { checkCommand } from "./check.ts";
import { doctorCommand } from "./doctor.ts";
import { fsckCommand } from "./fsck.ts";
import { inspectCommand } from "./inspect.ts";
import { sampleCommand } from "./sample.ts";
import { serviceCommands } from "./services.ts";

/**
 * The command line. Exit codes: 0 done, 2 bad input, 130 cancelled, 1 a fault of ours. A failure is one sentence on standard
 * error and nothing else.
 */
const program = new Command("guidepost")
  .description(
    "Plug-and-play guides for diffusion models: look into files, draw pictures, measure pairs, prove that a hub is sound.",
  )
  .version(version)
  .addCommand(inspectCommand)
  .addCommand(sampleCommand)
  .addCommand(checkCommand)
  .addCommand(fsckCommand)
  .addCommand(doctorCommand);
for (const command of serviceCommands) program.addCommand(command);

// Commander's own messages take the same road as ours; help and version are left to it.
for (const command of [program, ...program.commands]) command.exitOverride().configureOutput({ writeErr: () => {} });

try {
  await program.parseAsync();
} catch (failure) {
  process.exitCode = exitCodeOf(failure);
  if (process.exitCode !== 0) process.stderr.write(`${sentenceOf(failure)}\n`);
}

function exitCodeOf(failure: unknown): number {
  if (failure instanceof CommanderError) return failure.exitCode === 0 ? 0 : 2;
  if (!(failure instanceof AppError)) return 1;
  if (failure.code === "cancelled") return 130;
  return ["internal", "inference_died", "deadline_passed"].includes(failure.code) ? 1 : 2;
}

function sentenceOf(failure: unknown): string {
  if (failure instanceof AppError) return printable(failure.message); // it may quote names that strangers chose
  if (failure instanceof CommanderError) {
    if (failure.code === "commander.help") return program.helpInformation().trimEnd();
    const said = failure.message.replace(/^error: /, "").replace(/\.$/, "");
    return `${said[0]!.toUpperCase()}${said.slice(1)}; see npx guidepost --help.`;
  }
  return `Something went wrong on our side: ${(failure as Error).stack ?? String(failure)}`;
}
