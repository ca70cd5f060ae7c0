import type { DistillationView, SampleView } from "#lib/catalog/distillations/schema.ts";
import { toCount } from "../../_page/units.ts";
import { Picture } from "../../_ui/picture.tsx";

/** So many steps are shown beside CFG, the first and the last always. */
const MOST_SHOWN = 5;

/** Prompts that it does not learn from, as it draws them while it learns, beside CFG from the same noise. */
export function Samples({ one: { samples } }: { readonly one: DistillationView }) {
  const byPrompt = [...Map.groupBy(samples, ({ position }) => position).values()];
  if (byPrompt.length === 0) return null;
  return (
    <section aria-labelledby="samples" className="mt-10">
      <h2 id="samples" className="text-title">
        What it draws
      </h2>
      <p className="mt-1 max-w-[72ch] text-quiet">
        Prompts that it does not learn from, in one pass a step, and CFG in two from the same noise.
      </p>
      {byPrompt.map((drawn) => (
        <div key={drawn[0]!.position} className="mt-4">
          <h3 className="mb-2 font-medium [overflow-wrap:anywhere]">“{drawn[0]!.prompt}”</h3>
          <ul className="flex flex-wrap gap-4">
            {shownOf(drawn).map((sample) => (
              <li key={`${sample.mode} ${sample.step}`}>
                <Picture {...sample} alt={sample.prompt} room={192} phoneRoom={160} />
                <p className="mt-1 text-small text-quiet">
                  {sample.mode === "cfg" ? "CFG" : `after ${toCount(sample.step)} steps`}
                </p>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

/** Of many steps some, evenly spread; CFG last. */
function shownOf(drawn: readonly SampleView[]): SampleView[] {
  const guide = drawn.filter(({ mode }) => mode === "guide").toSorted((a, b) => a.step - b.step);
  const count = Math.min(MOST_SHOWN, guide.length);
  const some = Array.from(
    { length: count },
    (_, i) => guide[Math.round((i * (guide.length - 1)) / Math.max(1, count - 1))]!,
  );
  return [...some, ...drawn.filter(({ mode }) => mode === "cfg")];
}
