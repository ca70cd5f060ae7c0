import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { forbidden, unauthorized } from "next/navigation.js";
import { can } from "#lib/catalog/kinds.ts";
import { repoQuery } from "#lib/catalog/repos/schema.ts";
import { listRepos } from "#lib/catalog/repos/service.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { currentActor } from "../../../_page/actor.ts";
import { Button } from "../../../_ui/button.tsx";
import { Field, Problems, SelectField } from "../../../_ui/field.tsx";
import { RepoHead } from "../_parts/head.tsx";
import { repoOf, type RepoParams } from "../_parts/repo-of.ts";

export const metadata: Metadata = { title: "Settings of a repo", robots: { index: false } };

/** What is said of a repo beside its files, and its end. For who may write to it. */
export default async function SettingsPage({ params }: { readonly params: Promise<RepoParams> }) {
  const { owner, repo: name } = await params;
  const actor = await currentActor();
  const repo = await repoOf(owner, name);
  if (!repo.mayWrite) (actor.kind === "anonymous" ? unauthorized : forbidden)();
  const bases = !can(repo, "hasBase")
    ? []
    : (await listRepos(actor, repoQuery.parse({ kind: "base", sort: "downloads", limit: "100" }))).items.map(
        (base) => `${base.owner}/${base.name}`,
      );
  const state = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  const { values, problems } = state;
  const path = `/${repo.fullName}/settings`;
  return (
    <>
      <RepoHead repo={repo} current="settings" />
      <div className="max-w-[56ch]">
        <Problems state={state} />
        <form method="post" action={`${path}/save`}>
          <Field
            name="summary"
            label="Summary"
            hint="One line, shown in lists. A card (README.md) may say it too."
            maxLength={300}
            defaultValue={values["summary"] ?? repo.summary}
            problem={problems["summary"]}
          />
          <Field
            name="license"
            label="Licence"
            hint="A short name, such as apache-2.0, mit or openrail."
            maxLength={100}
            defaultValue={values["license"] ?? repo.license ?? ""}
            problem={problems["license"]}
          />
          <Field
            name="tags"
            label="Tags"
            hint="Words with commas between them."
            maxLength={1000}
            defaultValue={values["tags"] ?? repo.tags.join(", ")}
            problem={problems["tags"]}
          />
          {can(repo, "hasBase") && (
            <SelectField
              name="base"
              label="Declared base"
              hint="What it was made from, as you know it. What is detected from its weights stands beside it."
              defaultValue={values["base"] ?? repo.base ?? ""}
              problem={problems["base"]}
            >
              <option value="">none named</option>
              {[...new Set([...bases, ...(repo.base ? [repo.base] : [])])].map((base) => (
                <option key={base}>{base}</option>
              ))}
            </SelectField>
          )}
          <SelectField
            name="visibility"
            label="Who may see it"
            defaultValue={values["visibility"] ?? repo.visibility}
            problem={problems["visibility"]}
          >
            <option value="public">everybody who can open this hub</option>
            <option value="private">only who may write or read here</option>
          </SelectField>
          <Button type="submit" look="primary">
            Save
          </Button>
        </form>
        <section aria-labelledby="delete" className="mt-12 rounded border border-incompatible p-4">
          <h2 id="delete" className="text-title">
            Delete this repo
          </h2>
          <p className="mt-1 text-quiet">
            It is gone from every page and download at once, and its name is free again. Its bytes are removed some days
            later, unless another repo has them too.
          </p>
          <form method="post" action={`${path}/delete`}>
            <Field
              name="confirm"
              label={`Type ${repo.name} to say that you mean it`}
              autoComplete="off"
              required
              problem={problems["confirm"]}
            />
            <Button type="submit" look="danger">
              Delete {repo.name}
            </Button>
          </form>
        </section>
      </div>
    </>
  );
}
