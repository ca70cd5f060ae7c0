import type { Metadata } from "next";
import { unauthorized } from "next/navigation.js";
import { requireWrite } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { getInspection } from "#lib/catalog/inspections/service.ts";
import { namespaceQuery } from "#lib/catalog/namespaces/schema.ts";
import { listNamespaces } from "#lib/catalog/namespaces/service.ts";
import { fullName, toRepoName } from "#lib/catalog/repo-name.ts";
import { repoQuery } from "#lib/catalog/repos/schema.ts";
import { listRepos, listWritable } from "#lib/catalog/repos/service.ts";
import { env } from "#lib/env.ts";
import { currentActor } from "../_page/actor.ts";
import type { SearchParams } from "../_page/address.ts";
import { ifThere, shown } from "../_page/shown.ts";
import { Code } from "../_ui/code.tsx";
import { Term } from "../_ui/term.tsx";
import type { KnownBase } from "./recognise.ts";
import { Uploader } from "./uploader.tsx";

export const metadata: Metadata = { title: "Upload", robots: { index: false } };

const MAX_BASES = 30;
const MAX_OWNERS = 10;

/** For who is signed in: a folder or file of theirs becomes a repo, or goes into one. */
export default async function UploadPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const actor = await currentActor();
  if (actor.kind !== "person") unauthorized();
  const asked = fullName.safeParse((await searchParams)["repo"]).data ?? null;
  const repo = asked && (await shown(requireWrite(actor, toRepoName(asked))));
  const { items: namespaces } = await listNamespaces(actor, namespaceQuery.parse({ mine: "true", limit: "100" }));
  const owners = namespaces
    .map(({ name }) => name)
    .toSorted((a, b) => Number(b === actor.name) - Number(a === actor.name));
  const [bases, mine] = await Promise.all([knownBases(actor), listWritable(actor, owners.slice(0, MAX_OWNERS))]);
  return (
    <>
      <h1 className="text-page [overflow-wrap:anywhere]">{repo ? `Upload to ${repo.owner}/${repo.name}` : "Upload"}</h1>
      <p className="mt-1 mb-6 max-w-[72ch] text-quiet">
        A <Term word="fine-tune" />, a <Term word="guide" />, or a <Term word="base" />. The hub reads every byte, says
        what it is, and measures every guide that fits.
      </p>
      <noscript>
        <div className="max-w-[88ch] space-y-2">
          <p>
            Reading files in the browser needs scripts. Without them, send them with curl, file by file; an access token
            from your settings goes into TOKEN.
          </p>
          <Code
            label="Upload with curl"
            text={curlLines(env().publicUrl, repo ? `${repo.owner}/${repo.name}` : `${actor.name}/REPO`)}
          />
        </div>
      </noscript>
      <div className="noscript:hidden">
        <Uploader
          person={actor.name}
          repo={repo && `${repo.owner}/${repo.name}`}
          owners={owners}
          mine={mine}
          bases={bases}
        />
      </div>
    </>
  );
}

async function knownBases(actor: Actor): Promise<KnownBase[]> {
  const { items } = await listRepos(
    actor,
    repoQuery.parse({ kind: "base", sort: "downloads", limit: String(MAX_BASES) }),
  );
  return Promise.all(
    items.map(async ({ owner, name }) => {
      const facts = (await ifThere(getInspection(actor, { owner, repo: name }, "HEAD")))?.facts;
      return {
        name: `${owner}/${name}`,
        files: facts?.files.map(({ sha256 }) => sha256) ?? [],
        channels: facts?.signature?.channels ?? null,
        textWidth: facts?.signature?.crossAttentionDim ?? null,
      };
    }),
  );
}

const curlLines = (
  hub: string,
  repo: string,
): string => `FILE=model.safetensors   # up to 16 MiB; docs/api.md shows how larger ones go in parts
api() { curl -s -H "Authorization: Bearer $TOKEN" "$@"; }
UPLOAD=$(api --json "{\\"path\\":\\"$FILE\\",\\"size\\":$(stat -c %s $FILE)}" ${hub}/api/v1/repos/${repo}/uploads | jq -r .id)
api --json '{"numbers":[1]}' ${hub}/api/v1/uploads/$UPLOAD/parts | jq -r '.items[].url' | xargs curl -s -T $FILE
api -X POST ${hub}/api/v1/uploads/$UPLOAD/complete
until api ${hub}/api/v1/uploads/$UPLOAD | jq -e '.state == "verified"'; do sleep 1; done
api --json "{\\"title\\":\\"Add $FILE\\",\\"operations\\":[{\\"op\\":\\"add\\",\\"path\\":\\"$FILE\\",\\"upload\\":\\"$UPLOAD\\"}]}" ${hub}/api/v1/repos/${repo}/commits`;
