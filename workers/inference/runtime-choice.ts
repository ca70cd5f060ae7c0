import { env } from "#lib/env.ts";
import type { RuntimeChoice } from "./messages.ts";

/** What the operator's settings say that a job is run on; a child is told, since it does not see them. */
export function runtimeFor(provider = env().provider, threads = env().threads): RuntimeChoice {
  const { memory } = env();
  return { provider, threads, ...(memory !== null && { memory }) };
}
