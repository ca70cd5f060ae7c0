import { headers } from "next/headers";
import { actorOf } from "#lib/auth/actor-of.ts";
import { listRepos } from "#lib/catalog/repos/service.ts";
import { repoQuery } from "#lib/catalog/repos/schema.ts";

const kinds = [["base", "Bases"], ["finetune", "Fine-tunes"], ["guide", "Guides"]] as const;

/** What is here, and where the rest is until it has pages of its own. */
export default async function FrontPage() {
  const actor = await actorOf(await headers());
  const lists = await Promise.all(kinds.map(async ([kind, title]) => ({ kind, title, list: await listRepos(actor, repoQuery.parse({ kind, sort: "downloads", limit: "20" })) })));
  return (
    <main className="space-y-6">
      <header className="flex items-baseline justify-between gap-4">
        <h1 className="text-2xl font-semibold">Guidepost</h1>
        <nav className="flex gap-4">
          <a href="/api/v1/openapi.json">API</a>
          {actor.kind === "person" ? <span>{actor.name}</span> : <a href="/sign-in">Sign in</a>}
        </nav>
      </header>
      <p className="text-quiet">A guide is a small network that does for a text-to-image model what classifier-free guidance does, in one pass a step instead of two.</p>
      {lists.map(({ kind, title, list }) => (
        <section key={kind} aria-labelledby={kind}>
          <h2 id={kind} className="text-lg font-semibold">{title}</h2>
          {list.items.length === 0 && <p className="text-quiet">None yet.</p>}
          <ul className="divide-y divide-line">
            {list.items.map(({ id, owner, name, summary, downloads }) => (
              <li key={id} className="flex flex-wrap justify-between gap-x-4 py-2">
                <a className="break-all" href={`/api/v1/repos/${owner}/${name}`}>{`${owner}/${name}`}</a>
                <span className="text-quiet">{summary || `${downloads} downloads`}</span>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </main>
  );
}
