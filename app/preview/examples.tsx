import { ModeName } from "../_ui/mode.tsx";
import { Picture } from "../_ui/picture.tsx";
import type { Example } from "./studio-props.ts";

/** What was drawn with the pair before: so that nobody has to draw anything to see what to expect. */
export function Examples({
  examples,
  withGuide,
}: {
  readonly examples: readonly Example[];
  readonly withGuide: boolean;
}) {
  if (examples.length === 0) return null;
  return (
    <section aria-labelledby="before" className="mt-8">
      <h2 id="before" className="text-title">
        {withGuide ? "Drawn with this pair before" : "Drawn with this model before"}
      </h2>
      <ul className="mt-3 space-y-4">
        {examples.map(({ id, prompt, seed, pictures }, index) => (
          <li key={id}>
            {index === 0 && (
              <div aria-hidden className="mb-1 grid grid-cols-3 gap-1 text-small">
                {pictures.map(({ mode }) => (
                  <ModeName key={mode} mode={mode} />
                ))}
              </div>
            )}
            <a
              href={`/previews/${id}`}
              className="grid grid-cols-3 gap-1"
              aria-label={`Open the preview of “${prompt}”, seed ${seed}`}
            >
              {pictures.map(({ mode, ...picture }) => (
                <Picture key={mode} {...picture} alt="" room={128} className="w-full!" />
              ))}
            </a>
            <p className="mt-1 text-small [overflow-wrap:anywhere] text-quiet">
              “{prompt}” · seed {seed}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
