import type { Measured } from "#lib/catalog/pairs/schema.ts";
import type { Sheet } from "#lib/catalog/sheets/schema.ts";
import { toCount } from "../../_page/units.ts";
import { Facts } from "../../_ui/facts.tsx";
import { ModeName, modes } from "../../_ui/mode.tsx";
import { Table } from "../../_ui/table.tsx";
import { Term } from "../../_ui/term.tsx";
import { toMacs, workOf } from "./work.ts";

const BAR = 72;

/** L5: the work that is counted, and the time it took here. */
export function CostSection({
  measured,
  timings,
}: {
  readonly measured: Measured;
  readonly timings: Sheet["timings"];
}) {
  const { cost } = measured;
  const work = workOf(measured);
  return (
    <section aria-labelledby="cost" className="mt-12">
      <h2 id="cost" className="text-title">
        Cost
      </h2>
      <div className="mt-2">
        <Table
          caption="Cost of one picture"
          head={[
            "one picture",
            <Term key="p" word="pass">
              passes
            </Term>,
            "MACs",
            "against CFG",
            "seconds here",
            "quartiles",
            "n",
          ]}
        >
          {modes.map((mode) => {
            const [counted, timed] = [work?.[mode], timings?.[mode]];
            return (
              <tr key={mode} className="[&>td]:whitespace-nowrap">
                <td>
                  <ModeName mode={mode} />
                </td>
                <td>{counted?.passes ?? timed?.passes ?? "—"}</td>
                <td>{counted ? toMacs(counted.macs) : "—"}</td>
                <td>{counted ? <Share mode={mode} of={counted.againstCfg} /> : "—"}</td>
                <td>{timed ? `${timed.seconds.toFixed(2)} s` : <span className="text-quiet">not measured</span>}</td>
                <td className="text-quiet">{timed && `${timed.low.toFixed(2)}–${timed.high.toFixed(2)} s`}</td>
                <td className="text-quiet">{timed?.n}</td>
              </tr>
            );
          })}
        </Table>
      </div>
      {cost && (
        <div className="mt-4">
          <Facts
            facts={[
              [
                "guide",
                `${toCount(cost.guideParameters)} parameters, ${((100 * cost.guideParameters) / cost.baseParameters).toFixed(2)}% of the UNet's ${toCount(cost.baseParameters)}`,
              ],
              [
                "one pass",
                `${toMacs(cost.base["total"] ?? 0)} MACs of the UNet, and ${toMacs(cost.guide["total"] ?? 0)} of the guide`,
              ],
            ]}
          />
        </div>
      )}
      <p className="mt-3 max-w-[72ch] text-small text-quiet">
        MACs, multiply–accumulates, are counted and the same on every machine; seconds are not.{" "}
        {timings
          ? `Those are the median of the denoising loop in the ${timings.guide.n} columns above, in 32 bits, one mode after the other on whatever else the machine was doing.`
          : "No column of the contact sheet is drawn, so none are known."}
      </p>
    </section>
  );
}

const colours = { conditional: "bg-conditional", guide: "bg-guide", cfg: "bg-cfg" } as const;

function Share({ mode, of }: { readonly mode: keyof typeof colours; readonly of: number }) {
  return (
    <span className="inline-flex items-center gap-2">
      <span aria-hidden className={`h-2 ${colours[mode]}`} style={{ width: Math.round(BAR * of) }} />
      {(100 * of).toFixed(1)}%
    </span>
  );
}
