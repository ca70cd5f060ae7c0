import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { currentActor } from "../_page/actor.ts";
import { parseAddress, type SearchParams } from "../_page/address.ts";
import { Refresh } from "../_islands/refresh.tsx";
import { ButtonLink } from "../_ui/button.tsx";
import { Empty } from "../_ui/empty.tsx";
import { Examples } from "./examples.tsx";
import { loadStudio } from "./load.ts";
import { studioQuery } from "./query.ts";
import { Studio } from "./studio.tsx";

export const metadata: Metadata = { title: "Preview" };

/** The preview studio: a prompt, a seed, a model and a guide; everything stands in the address, and works before scripts come. */
export default async function PreviewPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const actor = await currentActor();
  const { examples, ...studio } = await loadStudio(actor, parseAddress(studioQuery, await searchParams));
  const { problems } = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  if (studio.finetune === null && studio.refused === null) {
    return (
      <>
        <h1 className="text-page">Preview</h1>
        <div className="mt-6">
          <Refresh every={5000} />
          <Empty
            title="There is no model on this hub yet"
            action={<ButtonLink href="/upload">Upload a model</ButtonLink>}
          >
            Here you will draw one seed three times: with the prompt alone, with a guide, and with CFG.
          </Empty>
        </div>
      </>
    );
  }
  return (
    <Studio {...studio} isSignedIn={actor.kind === "person"} problems={problems}>
      <Examples examples={examples} withGuide={studio.guide !== null} />
    </Studio>
  );
}
