import type { DistillationView, StoredLook } from "#lib/catalog/distillations/schema.ts";
import { toCount } from "../../_page/units.ts";
import { Lines, type Series } from "../../_ui/chart/lines.tsx";
import { Empty } from "../../_ui/empty.tsx";

/** How it learns: the loss, and what it is worth on prompts that it does not learn from. */
export function Curves({ one: { losses, looks, state } }: { readonly one: DistillationView }) {
  const [first, last] = [looks.at(0), looks.at(-1)];
  return (
    <section aria-labelledby="curves" className="mt-10">
      <h2 id="curves" className="text-title">
        How it learns
      </h2>
      {losses.length < 2 ? (
        <div className="mt-3 max-w-[72ch]">
          <Empty title={state === "cancelled" ? "It had not begun to learn" : "It has not begun to learn yet"}>
            The loss stands here from its first steps on, and what it is worth from its first look at prompts that it
            does not learn from.
          </Empty>
        </div>
      ) : (
        <>
          <p className="mt-1 mb-3 max-w-[72ch] text-quiet">
            Of a single step. How well pictures keep to their prompts is measured when the guide is done.
          </p>
          <div className="grid gap-x-12 gap-y-8 sm:grid-cols-[repeat(auto-fit,minmax(300px,440px))]">
            <Lines
              id="loss"
              title="Loss over the steps"
              finding={`The loss went from ${losses[0]!.loss.toPrecision(3)} to ${losses.at(-1)!.loss.toPrecision(3)} in ${toCount(losses.at(-1)!.step)} steps.`}
              xName="step"
              yName="loss"
              series={[{ name: "loss", look: "plain", points: losses.map(({ step, loss }) => ({ x: step, y: loss })) }]}
            />
            {looks.length > 1 && (
              <Lines
                id="held-out"
                title="What is held out, over the steps"
                finding={`Left unexplained of CFG’s correction: ${last!.fvu.toFixed(2)}; delivered along its direction: ${last!.delivered.toFixed(2)}.`}
                xName="step"
                yName="share of CFG’s correction"
                series={[
                  { name: "delivered", look: "guide", points: overSteps(looks, "delivered") },
                  { name: "left unexplained", look: "second", points: overSteps(looks, "fvu") },
                  { name: "cosine", look: "third", points: overSteps(looks, "cosine") },
                ]}
              />
            )}
            {last && last.strength.length > 1 && (
              <Lines
                id="strength"
                title="How strong what it adds is, over the steps of a walk"
                finding={`After ${toCount(last.step)} steps of learning. The paper’s guide adds most early, and more at higher guidance.`}
                xName="step of the walk, from noise to picture"
                yName="strength (RMS)"
                series={strengths(last)}
              />
            )}
            {last && last.byTimestep.length > 1 && (
              <Lines
                id="by-timestep"
                title="Delivered, by timestep"
                finding={`After ${toCount(last.step)} steps; 1 would be all that CFG adds.`}
                xName="timestep, noise to the right"
                yName="delivered"
                series={firstAndLast(first!, last, ({ byTimestep }) =>
                  byTimestep.map(({ timestep, delivered }) => ({ x: timestep, y: delivered })),
                )}
              />
            )}
            {last && last.byGuidance.length > 1 && (
              <Lines
                id="by-guidance"
                title="Delivered, by guidance"
                finding={`After ${toCount(last.step)} steps; 1 would be all that CFG adds.`}
                xName="guidance"
                yName="delivered"
                series={firstAndLast(first!, last, ({ byGuidance }) =>
                  byGuidance.map(({ guidanceScale, delivered }) => ({ x: guidanceScale, y: delivered })),
                )}
              />
            )}
          </div>
        </>
      )}
    </section>
  );
}

const guidanceLooks: readonly Series["look"][] = ["third", "second", "guide", "plain"];

/** A line for each guidance, the strongest last. */
const strengths = ({ strength }: StoredLook): Series[] =>
  [...Map.groupBy(strength, ({ guidanceScale }) => guidanceScale)]
    .toSorted(([a], [b]) => a - b)
    .map(([guidanceScale, rows], i) => ({
      name: `guidance ${guidanceScale}`,
      look: guidanceLooks[i % guidanceLooks.length]!,
      points: rows.toSorted((a, b) => b.timestep - a.timestep).map(({ rms }, step) => ({ x: step + 1, y: rms })),
    }));

const overSteps = (looks: readonly StoredLook[], of: "fvu" | "delivered" | "cosine") =>
  looks.map((look) => ({ x: look.step, y: look[of] }));

/** The newest look, and beside it the first where that is another. */
function firstAndLast(first: StoredLook, last: StoredLook, points: (look: StoredLook) => Series["points"]): Series[] {
  const named = (look: StoredLook, how: Series["look"]): Series => ({
    name: `after ${toCount(look.step)} steps`,
    look: how,
    points: points(look).toSorted((a, b) => a.x - b.x),
  });
  return first.step === last.step ? [named(last, "guide")] : [named(last, "guide"), named(first, "third")];
}
