"use client";

import { Estimate } from "../_ui/estimate.tsx";
import { Verdict, wordOf } from "../_ui/verdict.tsx";
import type { GuideChoice } from "./studio-props.ts";

const lineOf = ({ repo, standing, recovered }: GuideChoice): string =>
  `${repo} — ${wordOf(standing)}${recovered ? `, recovers ${recovered.value.toFixed(2)} [${recovered.low.toFixed(2)}, ${recovered.high.toFixed(2)}] n = ${recovered.n}` : ""}`;

/** The guides of a model, best evidence first. Those that cannot run on it can be seen, with the reason. */
export function GuideField({
  guides,
  guide,
  onChange,
}: {
  readonly guides: readonly GuideChoice[];
  readonly guide: string | null;
  readonly onChange: (guide: string | null) => void;
}) {
  const chosen = guides.find(({ repo }) => repo === guide) ?? null;
  const [fit, unfit] = [guides.filter(({ reason }) => reason === null), guides.filter(({ reason }) => reason !== null)];
  return (
    <div className="min-w-0">
      <label htmlFor="guide" className="block font-medium">
        Guide
      </label>
      <select
        id="guide"
        name="guide"
        value={guide ?? "none"}
        onChange={(event) => onChange(event.target.value === "none" ? null : event.target.value)}
        aria-describedby="guide-evidence"
        className="mt-1 block min-h-9 w-full rounded border border-edge bg-raised px-2"
      >
        {guide !== null && chosen === null && <option value={guide}>{guide}</option>}
        {fit.length > 0 && (
          <optgroup label="For this model, best evidence first">
            {fit.map((one) => (
              <option key={one.repo} value={one.repo}>
                {lineOf(one)}
              </option>
            ))}
          </optgroup>
        )}
        <option value="none">no guide: conditional and CFG only</option>
        {unfit.length > 0 && (
          <optgroup label="Do not work on this model">
            {unfit.map(({ repo, reason }) => (
              <option key={repo} value={repo} disabled={repo !== guide}>
                {repo} — {reason}
              </option>
            ))}
          </optgroup>
        )}
      </select>
      <p id="guide-evidence" className="mt-1 flex min-h-[1.45em] flex-wrap items-baseline gap-x-3 text-small">
        {chosen && (
          <>
            <Verdict standing={chosen.standing} stale={chosen.stale} />
            {chosen.recovered && (
              <span>
                recovers <Estimate of={chosen.recovered} />
              </span>
            )}
            {chosen.pair && <a href={`/pairs/${chosen.pair}`}>evidence</a>}
            {chosen.reason !== null && <span className="text-incompatible">{chosen.reason}</span>}
          </>
        )}
        {guides.length === 0 && <span className="text-quiet">No guide for this model is on this hub.</span>}
      </p>
    </div>
  );
}
