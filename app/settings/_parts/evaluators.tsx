import type { InstalledEvaluator } from "#lib/catalog/evaluators/schema.ts";
import { Notice } from "../../_ui/notice.tsx";
import { AskFirst } from "./ask-first.tsx";
import { When } from "../../_ui/when.tsx";

/** What judges pairs on this hub. */
export function Evaluators({ evaluators }: { readonly evaluators: readonly InstalledEvaluator[] }) {
  if (evaluators.length === 0)
    return (
      <p className="mt-3 text-quiet">None is installed: nothing reads pictures, and every pair is “not measured”.</p>
    );
  return (
    <ul aria-label="Installed evaluators" className="mt-3 border-t border-edge">
      {evaluators.map(({ id, repo, commit, sha256, bases, judgesAnything, testedOn, problem, installedAt }) => (
        <li key={id} data-row className="flex items-start justify-between gap-4 border-b border-line py-2">
          <div className="min-w-0">
            <p className="[overflow-wrap:anywhere]">
              {repo ? <a href={`/${repo}/tree/${commit}`}>{repo}</a> : "one whose repo is gone"} at{" "}
              <code>{commit.slice(0, 12)}</code>, sha256 <code>{sha256.slice(0, 12)}</code>
            </p>
            <p className="text-small text-quiet">
              judges {judgesAnything ? "any model" : `what was made from ${bases.join(", ") || "bases that are gone"}`}{" "}
              · installed <When at={installedAt} />
            </p>
            <p className="text-small text-quiet">{testedOn}</p>
            {problem && <Notice kind="careful">{problem}</Notice>}
          </div>
          <AskFirst
            id={`remove-${id}`}
            button="Take out"
            label={`Take out ${repo ?? commit.slice(0, 12)}`}
            question="Let it judge no more?"
            confirm="Take it out"
            action={`/settings/evaluators/${id}/remove`}
          >
            What it measured stays, and is shown as stale.
          </AskFirst>
        </li>
      ))}
    </ul>
  );
}
