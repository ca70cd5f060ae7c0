import type { StoredFacts } from "./schema.ts";

/** What there is to say where something does not run here, in whole sentences; null where it runs. */
export function whyNotRunning({
  runs,
  whatRuns,
  problems,
}: Pick<StoredFacts, "runs" | "whatRuns" | "problems">): string | null {
  if (runs) return null;
  const said = whatRuns.replace(/^nothing; /, "");
  const isInProblems = problems.length > 0 && /problems? named here/.test(said);
  return [...(isInProblems ? [] : [sentence(said)]), ...problems].join(" ");
}

const sentence = (text: string): string =>
  `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
