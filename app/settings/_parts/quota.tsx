import type { QuotaLine, QuotaView } from "#lib/catalog/quotas/schema.ts";
import { toBytes, toCount } from "../../_page/units.ts";

const toHours = (seconds: number): string => `${(seconds / 3600).toFixed(seconds < 36_000 ? 1 : 0)} h`;

const lines: readonly {
  readonly of: keyof QuotaView;
  readonly name: string;
  readonly show: (count: number) => string;
  readonly full: string;
}[] = [
  { of: "bytes", name: "Bytes", show: toBytes, full: "nothing more can be uploaded" },
  { of: "files", name: "Files", show: toCount, full: "nothing more can be uploaded" },
  { of: "repos", name: "Repos", show: toCount, full: "no more can be made" },
  { of: "jobs", name: "Jobs that wait", show: toCount, full: "the next is taken when one of them has begun" },
  { of: "deviceSeconds", name: "Computed in 24 hours", show: toHours, full: "more tomorrow" },
];

/** What a namespace has of what it may have: a bar for each, with the part that unfinished uploads have announced. */
export function Quota({ quota }: { readonly quota: QuotaView }) {
  return (
    <dl className="grid gap-y-3">
      {lines.map(({ of, name, show, full }) => {
        const line = quota[of];
        return (
          line && (
            <div key={of}>
              <dt className="flex flex-wrap justify-between gap-x-4">
                <span>{name}</span>
                <span className="text-quiet">
                  {show(line.used + line.reserved)}
                  {line.limit === null ? ", without a limit" : ` of ${show(line.limit)}`}
                </span>
              </dt>
              <dd className="mt-1">
                {line.limit !== null && <Bar line={line} />}
                <Remarks line={line} show={show} full={full} />
              </dd>
            </div>
          )
        );
      })}
    </dl>
  );
}

const isFull = ({ used, reserved, limit }: QuotaLine): boolean => limit !== null && used + reserved >= limit;

/** Says to the eye what stands above it. */
function Bar({ line }: { readonly line: QuotaLine }) {
  const { used, reserved, limit } = line;
  const share = (count: number): number => (limit! > 0 ? Math.min(1, count / limit!) : 1);
  const taken = share(used);
  return (
    <div aria-hidden className="flex h-1.5 overflow-hidden rounded-full bg-line">
      <div className={isFull(line) ? "bg-incompatible" : "bg-accent"} style={{ width: `${taken * 100}%` }} />
      <div className="bg-accent opacity-45" style={{ width: `${Math.min(1 - taken, share(reserved)) * 100}%` }} />
    </div>
  );
}

function Remarks({
  line,
  show,
  full,
}: {
  readonly line: QuotaLine;
  readonly show: (count: number) => string;
  readonly full: string;
}) {
  const remarks = [
    line.reserved > 0 && `${show(line.reserved)} of it announced by uploads that have not ended`,
    line.isOwn && "set for this name",
    isFull(line) && `full: ${full}`,
  ].filter((remark) => remark !== false);
  if (remarks.length === 0) return null;
  return <p className={`text-small ${isFull(line) ? "text-incompatible" : "text-quiet"}`}>{remarks.join(" · ")}</p>;
}
