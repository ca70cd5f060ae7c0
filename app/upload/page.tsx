import type { Metadata } from "next";
import { unauthorized } from "next/navigation.js";
import { requireWrite } from "#lib/auth/access.ts";
import { getInspection } from "#lib/catalog/inspections/service.ts";
import { namespaceQuery } from "#lib/catalog/namespaces/schema.ts";
import { listNamespaces } from "#lib/catalog/namespaces/service.ts";
import { fullName, repoQuery, toRepoName } from "#lib/catalog/repos/schema.ts";
import { listRepos } from "#lib/catalog/repos/service.ts";
import { env } from "#lib/env.ts";
import { currentActor } from "../_page/actor.ts";
import type { SearchParams } from "../_page/address.ts";
import { ifThere, shown } from "../_page/shown.ts";
import { Code } from "../_ui/code.tsx";
import { Uploader } from "./uploader.tsx";

export const metadata: Metadata = { title: "Upload", robots: { index: false } };

const BASES = 30;

/** For who is signed in: a folder or file of theirs becomes a repo, or goes into one. */
export default async function UploadPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const actor = await currentActor();
  if (actor.kind !== "person") unauthorized();
  const asked = fullName.safeParse((await searchParams)["repo"]).data ?? null;
  const repo = asked && (await shown(requireWrite(actor, toRepoName(asked))));
  const [{ items: namespaces }, { items: bases }] = await Promise.all([listNamespaces(actor, namespaceQuery.parse({ mine: "true", limit: "100" })), listRepos(actor, repoQuery.parse({ kind: "base", sort: "downloads", limit: String(BASES) }))]);
  const owners = namespaces.map(({ name }) => name).toSorted((a, b) => Number(b === actor.name) - Number(a === actor.name));
  const known = await Promise.all(
    bases.map(async ({ owner, name }) => ({ name: `${owner}/${name}`, files: (await ifThere(getInspection(actor, { owner, repo: name }, "HEAD")))?.facts?.files.map(({ sha256 }) => sha256) ?? [] })),
  );
  return (
    <>
      <h1 className="text-page">Upload{repo && ` to ${repo.owner}/${repo.name}`}</h1>
      <p className="mt-1 mb-6 max-w-[72ch] text-quiet">A fine-tune of a base on this hub, or a guide for one. The hub reads every byte, says what it is, and measures every guide that fits.</p>
      <noscript>
        <div className="mb-6 max-w-[72ch]">
          <p className="mb-2">Reading files in the browser needs scripts. Without them, send them with curl; an access token from your settings goes into HF_TOKEN:</p>
          <Code label="Begin an upload" text={`curl -X POST ${env().publicUrl}/api/v1/repos/OWNER/REPO/uploads -H "Authorization: Bearer $HF_TOKEN" -H "Content-Type: application/json" -d '{"path":"model.safetensors","size":12345}'`} />
        </div>
      </noscript>
      <Uploader repo={repo && `${repo.owner}/${repo.name}`} owners={owners} bases={known} />
    </>
  );
}
