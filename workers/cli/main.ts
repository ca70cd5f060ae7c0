import { Command, CommanderError } from "commander";
import { AppError } from "#lib/errors.ts";
import { printable } from "#lib/util/printable.ts";
import { version } from "#lib/version.ts";

/** Whoever asks for one command does not wait for what the others need. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  inspect: async () => (await import("./inspect.ts")).inspectCommand,
  sample: async () => (await import("./sample.ts")).sampleCommand,
  check: async () => (await import("./check.ts")).checkCommand,
  distill: async () => (await import("./distill.ts")).distillCommand,
  verify: async () => (await import("./verify.ts")).verifyCommand,
  identify: async () => (await import("./identify.ts")).identifyCommand,
  fsck: async () => (await import("./fsck.ts")).fsckCommand,
  quota: async () => (await import("./quota.ts")).quotaCommand,
  doctor: async () => (await import("./doctor.ts")).doctorCommand,
  start: async () => (await import("./services.ts")).startCommand,
  worker: async () => (await import("./services.ts")).workerCommand,
  web: async () => (await import("./services.ts")).webCommand,
};

/**
 * The command line. Exit codes: 0 done, 2 bad input, 130 cancelled, 1 a fault of ours. A failure is one sentence on standard
 * error and nothing else.
 */
const program = new Command("guidepost")
  .description(
    "Plug-and-play guides for diffusion models: look into files, draw pictures, make guides, measure pairs, say which of your files a hub knows, prove that a hub is sound.",
  )
  .version(version);
const word = process.argv[2] ?? "";
const asked = Object.hasOwn(commands, word) ? [commands[word]!] : Object.values(commands); // all, to list them
for (const load of asked) program.addCommand(await load());

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
  if (failure instanceof AppError) return printable(failure.toOperator); // it may quote names that strangers chose
  if (failure instanceof CommanderError) {
    if (failure.code === "commander.help") return program.helpInformation().trimEnd();
    const said = failure.message.replace(/^error: /, "").replace(/\.$/, "");
    return `${said[0]!.toUpperCase()}${said.slice(1)}; see npx guidepost --help.`;
  }
  return `Something went wrong on our side: ${(failure as Error).stack ?? String(failure)}`;
}
