import type { InstalledEvaluator } from "#lib/catalog/evaluators/schema.ts";
import { Empty } from "../../../_ui/empty.tsx";
import { Notice } from "../../../_ui/notice.tsx";
import { Term } from "../../../_ui/term.tsx";
import { When } from "../../../_ui/when.tsx";

/** What an evaluator judges on this hub, as its operators chose it. */
export function Judging({
  repo: { fullName },
  installed,
}: {
  readonly repo: { readonly fullName: string };
  readonly installed: readonly InstalledEvaluator[];
}) {
  return (
    <section aria-labelledby="judges" className="min-w-0">
      <h2 id="judges" className="text-title">
        Judges here
      </h2>
      <p className="mb-3 text-quiet">
        An <Term word="evaluator" /> says how well pictures keep to their prompts. The operators of a hub choose which
        ones judge; whoever is judged has no say in it.
      </p>
      {installed.length === 0 ? (
        <Empty title="It judges nothing on this hub">
          An operator can let it judge, in their settings. On the command line it is given with{" "}
          <code>check --evaluator</code>.
        </Empty>
      ) : (
        <ul aria-label="What it judges" className="space-y-3">
          {installed.map(({ id, commit, sha256, bases, judgesAnything, testedOn, problem, installedAt }) => (
            <li key={id} className="rounded border border-line bg-raised p-4 [overflow-wrap:anywhere]">
              <p>
                {judgesAnything
                  ? "Any model"
                  : `What was made from ${bases.length === 0 ? "bases that you may not see" : ""}`}
                {bases.map((base, i) => (
                  <span key={base}>
                    {i > 0 && ", "}
                    <a href={`/${base}`}>{base}</a>
                  </span>
                ))}
                , since <When at={installedAt} />, at{" "}
                <a href={`/${fullName}/tree/${commit}`}>
                  <code>{commit.slice(0, 12)}</code>
                </a>{" "}
                (sha256 <code>{sha256.slice(0, 12)}</code>)
              </p>
              <p className="mt-1 text-small text-quiet">{testedOn}</p>
              {problem && <Notice kind="careful">{problem}</Notice>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
