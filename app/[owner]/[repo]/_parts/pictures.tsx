import type { CardPicture } from "#lib/catalog/sheets/schema.ts";
import { Picture } from "../../../_ui/picture.tsx";

/** What the hub drew with it: the same prompts and seeds for every model of a base. */
export function Pictures({ pictures, isGuide }: { readonly pictures: readonly CardPicture[]; readonly isGuide: boolean }) {
  if (pictures.length === 0) return null;
  return (
    <section aria-labelledby="pictures">
      <h2 id="pictures" className="sr-only">
        Pictures
      </h2>
      <ul className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        {pictures.map(({ url, width, height, prompt, seed, finetune }) => (
          <li key={url} className="min-w-0">
            <a href={url}>
              <Picture url={url} width={width} height={height} alt={prompt} eager className="aspect-square! w-full! object-contain" />
            </a>
            <p className="mt-1 text-small text-quiet [overflow-wrap:anywhere]">{isGuide ? <a href={`/${finetune}`}>{finetune}</a> : `${prompt} · seed ${seed}`}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
