import { AsyncLocalStorage } from "node:async_hooks";
import { type DestinationStream, pino, type Logger } from "pino";
import { env } from "#lib/env.ts";

/** Ids that every line written in their scope carries. */
export interface LogContext {
  readonly requestId?: string;
  readonly jobId?: string;
  readonly subjectId?: string;
  readonly attempt?: number;
}

// Next may load this module more than once in one process; the context must be one.
const shared = globalThis as { guidepostLog?: { readonly root: Logger; readonly scope: AsyncLocalStorage<Logger> } };

function instance(): NonNullable<typeof shared.guidepostLog> {
  return (shared.guidepostLog ??= {
    root: pino(
      {
        level: env().logLevel,
        base: { pid: process.pid },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (level) => ({ level }) },
      },
      openOutput(),
    ),
    scope: new AsyncLocalStorage(),
  });
}

const MAX_HELD_BYTES = 2 ** 20;

/**
 * One JSON object a line on standard error: standard output is for what a command was asked to print. Where that is a file on a disk
 * that is full, lines wait for room and the rest is dropped; what they tell of was done and must not fail for them.
 */
function openOutput(): DestinationStream {
  const output = pino.destination({ fd: 2, sync: true, maxLength: MAX_HELD_BYTES });
  output.on("error", () => {});
  return output;
}

/**
 * The logger of this scope: `log().info({ event: "upload.complete", bytes }, "…")`. Never log prompts, tokens, passwords, e-mail
 * addresses, signed URLs or the content of files.
 */
export const log = (): Logger => instance().scope.getStore() ?? instance().root;

/** Runs `work` with ids on each of its log lines. Scopes nest. */
export const withLogContext = <T>(context: LogContext, work: () => T): T =>
  instance().scope.run(log().child(context), work);
