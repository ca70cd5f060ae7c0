import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { z } from "zod";
import { HUB_NAMESPACE } from "#lib/catalog/hub-namespace.ts";
import { limitExamples, type LimitKind, writeLimit } from "#lib/catalog/quotas/limit-text.ts";
import { limitKinds, type QuotaChange } from "#lib/catalog/quotas/schema.ts";
import { quotaToSet } from "#lib/catalog/quotas/service.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { signedInPerson } from "../../../_page/actor.ts";
import { parseAddress, type SearchParams } from "../../../_page/address.ts";
import { shown } from "../../../_page/shown.ts";
import { toCount } from "../../../_page/units.ts";
import { Button } from "../../../_ui/button.tsx";
import { Field, Problems } from "../../../_ui/field.tsx";
import { Notice } from "../../../_ui/notice.tsx";
import { Quota } from "../../_parts/quota.tsx";

export const metadata: Metadata = { title: "Limits", robots: { index: false } };

const address = z.object({ done: z.enum(["set"]).optional() });

const fields: readonly { readonly of: keyof QuotaChange; readonly label: string }[] = [
  { of: "bytes", label: "Bytes" },
  { of: "files", label: "Files" },
  { of: "repos", label: "Repos" },
  { of: "jobs", label: "Jobs that may wait at once" },
  { of: "deviceSeconds", label: "Time that workers compute in 24 hours" },
];

interface Props {
  readonly params: Promise<{ readonly name: string }>;
  readonly searchParams: SearchParams;
}

/** What a person or an organisation may have, for operators, who set it here. */
export default async function QuotaPage({ params, searchParams }: Props) {
  const { name: asked } = await params;
  const actor = await signedInPerson(`/settings/quotas/${asked}`);
  const { name, quota, defaults } = await shown(quotaToSet(actor, asked));
  const { done } = parseAddress(address, await searchParams);
  const state = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  const ofLimit = (kind: LimitKind, limit: number | null): string =>
    limit === null ? "no limit" : kind === "count" ? toCount(limit) : writeLimit(limit, kind);
  return (
    <div className="max-w-[60ch]">
      <p className="text-small">
        <a href="/settings#quotas">Settings</a>
      </p>
      <h1 className="mt-1 text-page [overflow-wrap:anywhere]">
        What <a href={`/${name}`}>{name}</a> may have
      </h1>
      <Problems state={state} />
      {done && Object.keys(state.problems).length === 0 && (
        <div role="status" className="my-4">
          <Notice kind="good">The limits of {name} were set; they hold from now on.</Notice>
        </div>
      )}
      <section aria-labelledby="use-title" className="mt-6">
        <h2 id="use-title" className="text-title">
          What is used
        </h2>
        <div className="mt-2">
          <Quota quota={quota} />
        </div>
      </section>
      <section aria-labelledby="limits-title" className="mt-8">
        <h2 id="limits-title" className="text-title">
          Limits
        </h2>
        {name === HUB_NAMESPACE && (
          <p className="text-quiet">
            This is the hub itself: what workers compute for it is measuring anew what has become old, what people use
            most first and behind everybody else.
          </p>
        )}
        <p className="text-quiet">
          A field that is empty leaves it at what every name has here. A limit below what is used takes nothing away;
          nothing can be added then.
        </p>
        <form method="post" action={`/settings/quotas/${encodeURIComponent(name)}/set`} className="mt-2">
          <div className="grid gap-x-6 sm:grid-cols-2">
            {fields.map(({ of, label }) => {
              const line = quota[of];
              const kind = limitKinds[of];
              return (
                line && (
                  <Field
                    key={of}
                    name={of}
                    label={label}
                    hint={`A ${limitExamples[kind]}. Left empty: ${ofLimit(kind, defaults[of])}.`}
                    maxLength={24}
                    autoComplete="off"
                    spellCheck={false}
                    defaultValue={state.values[of] ?? (line.isOwn ? writeLimit(line.limit!, kind) : "")}
                    problem={state.problems[of]}
                  />
                )
              );
            })}
          </div>
          <Button type="submit" look="primary">
            Set these limits
          </Button>
        </form>
      </section>
    </div>
  );
}
