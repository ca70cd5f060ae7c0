import type { PairView } from "#lib/catalog/pairs/schema.ts";
import type { Report } from "#lib/catalog/reports/schema.ts";
import { Code } from "../../_ui/code.tsx";
import { Facts } from "../../_ui/facts.tsx";

/** What may be done with the parts, whose they are, and how this page's evidence is kept, passed on and checked elsewhere. */
export function KeepSection({
  pair: { id, state, guide, finetune },
  owners: { licences, isByOwner },
  hub,
}: {
  readonly pair: Pick<PairView, "id" | "state" | "guide" | "finetune">;
  readonly owners: Pick<Report, "licences" | "isByOwner">;
  readonly hub: string;
}) {
  const page = `${hub}/pairs/${id}`;
  return (
    <section aria-labelledby="keep" className="mt-12">
      <h2 id="keep" className="text-title">
        Keep it, pass it on, check it
      </h2>
      <div className="mt-3 grid gap-x-10 gap-y-6 lg:grid-cols-2">
        <Facts
          facts={[
            [
              "licences",
              <ul key="licences">
                {licences.parts.map(({ repo, licence }) => (
                  <li key={repo}>
                    {repo}: {licence ?? "none given"}
                  </li>
                ))}
              </ul>,
            ],
            ["together", licences.together.join(" ")],
            [
              "judged by",
              isByOwner
                ? "this hub, whose operator owns a part of what was measured: see who else has checked it"
                : "this hub, whose operator owns no part of what was measured",
            ],
          ]}
        />
        <div className="min-w-0">
          {state === "succeeded" && (
            <p>
              <a href={`/api/v1/pairs/${id}/report`} download>
                The report, signed by this hub
              </a>{" "}
              · <a href={`/pairs/${id}/values.csv`}>the value of every prompt as CSV</a> ·{" "}
              <a href={`/api/v1/pairs/${id}?raw=true`}>as JSON</a>
            </p>
          )}
          {state === "succeeded" && (
            <>
              <p className="mt-4 mb-1">
                <code>guidepost verify</code> checks the signature and measures it again on a machine of yours: it
                agrees, differs and says where, or was changed.
              </p>
              <Code label="to verify it yourself" text={`npx guidepost verify ${page}`} />
            </>
          )}
          <p className="mt-4">
            <img
              src={`/pairs/${id}/badge.svg`}
              alt={`The badge of ${guide.repo} on ${finetune.repo}`}
              height={20}
              className="h-5"
            />
          </p>
          <Code
            label="the badge, for a README"
            text={`[![${guide.repo} on ${finetune.repo}](${page}/badge.svg)](${page})`}
          />
          <p className="mt-2 text-small text-quiet">
            <a href={`/jobs/${id}`}>What happened to this measurement</a>
          </p>
        </div>
      </div>
    </section>
  );
}
