import type { Measured } from "#lib/catalog/pairs/schema.ts";
import { planOf } from "#lib/pairing/plan.ts";
import { Estimate } from "../../_ui/estimate.tsx";
import { Table } from "../../_ui/table.tsx";
import { Term } from "../../_ui/term.tsx";

/** The looks of the plan, as they came: what each one said, which is next, and which are not needed. */
export function PlanSection({
  measured: { looks, next },
  isMoving,
}: {
  readonly measured: Measured;
  readonly isMoving: boolean;
}) {
  const made = new Map(looks.map((look) => [look.prompts, look]));
  const toCome = (prompts: number): string => {
    if (next === null) return "not needed: the plan has ended";
    if (prompts !== next) return "only if the one before leaves something open";
    return isMoving ? "comes now" : "has not been made";
  };
  return (
    <section aria-labelledby="plan" className="mt-8 max-w-[72ch]">
      <h2 id="plan" className="text-title">
        The plan
      </h2>
      <p className="mt-1 mb-2 text-quiet">
        Fixed before anything was drawn: which prompts, how many at each <Term word="look">look</Term>, and how sure it
        has to be. Asking again draws no other prompts.
      </p>
      <Table caption="Looks" head={["prompts", "R, recovered", "CFG adds"]}>
        {planOf(1).map(({ prompts }) => {
          const look = made.get(prompts);
          return (
            <tr key={prompts}>
              <td>{prompts}</td>
              {look ? (
                <>
                  <td>
                    {look.recovered ? (
                      <Estimate of={look.recovered} />
                    ) : (
                      <span className="text-quiet">anything [unbounded]</span>
                    )}
                  </td>
                  <td>
                    <Estimate of={look.gain} digits={3} />
                  </td>
                </>
              ) : (
                <td colSpan={2} className="text-quiet">
                  {toCome(prompts)}
                </td>
              )}
            </tr>
          );
        })}
      </Table>
    </section>
  );
}
