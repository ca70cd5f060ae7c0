import type { PairView } from "#lib/catalog/pairs/schema.ts";

/** What a beginner should know of a pair, in one or two sentences that claim no more than was measured. */
export function sentenceOf({ state, verdict, finetune, measured, stale, problem }: Pick<PairView, "state" | "verdict" | "finetune" | "measured" | "stale" | "problem">): string {
  const model = finetune.repo.split("/")[1]!;
  const until = state === "queued" || state === "running" ? " It is being measured now." : "";
  if (state === "failed") return `Measuring this guide on ${model} failed, so nothing is known of it yet: ${problem ?? "the reason was not kept."}`;
  if (state === "cancelled") return `Measuring this guide on ${model} was cancelled, so nothing is known of it yet.`;
  if (!measured) return `Nobody has measured yet whether this guide works on ${model}.${until}`;
  const sentence = `${ofVerdict(model, verdict, measured)}${until}`;
  return stale === null ? sentence : `${sentence} This was so when it was measured: ${stale[0]!.toLowerCase()}${stale.slice(1)}`;
}

function ofVerdict(model: string, verdict: PairView["verdict"], { fidelity, structure, cost }: NonNullable<PairView["measured"]>): string {
  const recovered = fidelity?.recovered ?? null;
  const work = cost === null ? "less work" : `${Math.round(100 * cost.againstCfg)} % of the work`;
  const range = recovered === null ? "" : `${percent(recovered.value)} of what CFG adds to prompt fidelity (between ${percent(recovered.low)} and ${percent(recovered.high)}, from ${recovered.n} prompts)`;
  switch (verdict) {
    case "verified":
      return `On ${model} this guide does nearly what CFG does, with ${work}: it recovers ${range}.`;
    case "usableWithLimits":
      return `On ${model} this guide does a part of what CFG does, with ${work}: it recovers ${range}. Some of what a prompt asks for gets lost; letting CFG do the first steps buys some of it back.`;
    case "incompatible":
      return structure.length > 0 ? `This guide cannot run on ${model}: ${structure[0]}.` : `This guide does not work on ${model}${range === "" ? "" : `: it recovers ${range}`}. Use CFG, or another guide.`;
    case "notMeasured":
      if (!fidelity) return `This guide runs on ${model}, but nothing here can read what the pictures show, so nobody can say how well it works. Look at the pictures below.`;
      if (recovered === null) return `On ${model} CFG itself adds nothing that could be told from chance on ${fidelity.cfg.n} prompts, so there was nothing for the guide to recover. Look at the pictures below.`;
      return `This guide recovers ${range} on ${model}, which could be nothing; more pictures have to be measured to tell.`;
  }
}

/** A share may be above 100 %, and its interval below 0. */
const percent = (share: number): string => `${share < 0 ? "−" : ""}${Math.abs(Math.round(100 * share))} %`;
