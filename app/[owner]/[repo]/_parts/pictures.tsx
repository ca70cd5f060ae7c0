import type { CardPicture } from "#lib/catalog/sheets/schema.ts";
import { Picture } from "../../../_ui/picture.tsx";

const ROOM = 256;

/** What the hub drew with it: the same prompts and seeds for every model of a base. Side by side; on a phone in a strip that is moved with a finger. */
export function Pictures({
  pictures,
  isGuide,
}: {
  readonly pictures: readonly CardPicture[];
  readonly isGuide: boolean;
}) {
  if (pictures.length === 0) return null;
  return (
    <section aria-labelledby="pictures">
      <h2 id="pictures" className="sr-only">
        Pictures
      </h2>
      <ul className="flex gap-3 overflow-x-auto pb-2 sm:flex-wrap sm:overflow-visible sm:pb-0">
        {pictures.map(({ url, width, height, prompt, seed, finetune }) => (
          <li key={url} className="w-64 shrink-0">
            <a href={url} title="The picture as it is, pixel for pixel">
              <Picture url={url} width={width} height={height} alt={`${prompt}, seed ${seed}`} room={ROOM} eager />
            </a>
            <p className="mt-1 text-small text-quiet [overflow-wrap:anywhere]">
              {isGuide && (
                <>
                  <a href={`/${finetune}`}>{finetune}</a> ·{" "}
                </>
              )}
              {prompt} · seed {seed}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
