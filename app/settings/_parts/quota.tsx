import type { QuotaLine, QuotaView } from "#lib/catalog/quotas/schema.ts";
import { toBytes, toCount } from "../../_page/units.ts";
import { Facts } from "../../_ui/facts.tsx";

const hours = (seconds: number): string => `${(seconds / 3600).toFixed(seconds < 36_000 ? 1 : 0)} h`;

/** What a namespace has of what it may have. */
export function Quota({ quota }: { readonly quota: QuotaView }) {
  const say = ({ used, reserved, limit }: QuotaLine, show: (count: number) => string): string =>
    `${show(used + reserved)}${limit === null ? "" : ` of ${show(limit)}`}${reserved > 0 ? `, of which ${show(reserved)} are announced by uploads that have not ended` : ""}`;
  return (
    <Facts
      facts={[
        ["bytes", say(quota.bytes, toBytes)],
        ["files", say(quota.files, toCount)],
        ["repos", say(quota.repos, toCount)],
        ...(quota.jobs ? [["jobs that wait", say(quota.jobs, toCount)] as const] : []),
        ...(quota.deviceSeconds ? [["computed in 24 hours", say(quota.deviceSeconds, hours)] as const] : []),
      ]}
    />
  );
}
