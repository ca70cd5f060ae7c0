import { env } from "#lib/env.ts";
import { hfFolderLine, pythonLines } from "./lines.ts";
import type { ShownRepo } from "./repo-of.ts";
import { Lines, TokenNote } from "./use-lines.tsx";

/** The whole repo, with the programs that people have for models. */
export function UseWith({ repo }: { readonly repo: ShownRepo }) {
  const isPrivate = repo.visibility === "private";
  const remote = { hub: env().publicUrl, fullName: repo.fullName, revision: "main", isPrivate };
  return (
    <section aria-labelledby="use-with">
      <h2 id="use-with" className="text-title">
        Use it with the tools you have
      </h2>
      <p className="mb-3 max-w-[72ch] text-quiet">
        Programs made for the Hugging Face Hub work here as they are, once <code>HF_ENDPOINT</code> says where.
      </p>
      <div className="space-y-3">
        <Lines name="hf, all files" text={hfFolderLine(remote, "")} />
        <Lines name="Python, all files" text={pythonLines(remote)} />
        {isPrivate && <TokenNote />}
      </div>
    </section>
  );
}
