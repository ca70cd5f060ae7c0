import type { Measured } from "#lib/catalog/pairs/schema.ts";
import type { Sheet } from "#lib/catalog/sheets/schema.ts";
import { toCount } from "../../_page/units.ts";
import { Facts } from "../../_ui/facts.tsx";
import { ModeName, modes } from "../../_ui/mode.tsx";
import { Table } from "../../_ui/table.tsx";
import { Term } from "../../_ui/term.tsx";

/** L5: the work that is counted, and the time it took here. */
export function CostSection({ measured: { cost }, timings }: { readonly measured: Measured; readonly timings: Sheet["timings"] }) {
  return (
    <section aria-labelledby="cost" className="mt-12">
      <h2 id="cost" className="text-title">
        Cost
      </h2>
      <div className="mt-3 grid gap-x-10 gap-y-6 md:grid-cols-2">
        {timings ? (
          <Table caption="Passes and seconds of a picture" head={["mode", <Term key="p" word="pass">passes</Term>, "seconds a picture", "quartiles", "n"]}>
            {modes.map((mode) => (
              <tr key={mode}>
                <td>
                  <ModeName mode={mode} />
                </td>
                <td>{timings[mode].passes}</td>
                <td>{timings[mode].seconds.toFixed(2)} s</td>
                <td className="text-quiet">
                  {timings[mode].low.toFixed(2)}–{timings[mode].high.toFixed(2)}
                </td>
                <td className="text-quiet">{timings[mode].n}</td>
              </tr>
            ))}
          </Table>
        ) : (
          <p className="text-quiet">How long a picture takes here is not measured yet: the sheet is not drawn.</p>
        )}
        {cost && (
          <Facts
            facts={[
              ["work", `${(100 * cost.againstCfg).toFixed(1)} % of CFG's multiply–accumulates`],
              ["guide", `${toCount(cost.guideParameters)} parameters, ${((100 * cost.guideParameters) / cost.baseParameters).toFixed(2)} % of the UNet's ${toCount(cost.baseParameters)}`],
            ]}
          />
        )}
      </div>
      {timings && <p className="mt-2 max-w-[72ch] text-small text-quiet">Of the denoising loop, one picture after the other in the order conditional, guide, CFG, on whatever else the machine was doing. Counted work does not change with the machine; seconds do.</p>}
    </section>
  );
}
