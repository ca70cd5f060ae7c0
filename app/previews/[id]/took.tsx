import type { PreviewView } from "#lib/catalog/previews/schema.ts";
import type { ComparedPicture } from "../../_islands/compare.tsx";
import { ModeName, modeNames } from "../../_ui/mode.tsx";
import { Picture } from "../../_ui/picture.tsx";

/** How long each picture took on this machine, beside CFG; and the picture to take away. */
export function Took({
  pictures,
  id,
  timings,
}: {
  readonly pictures: readonly ComparedPicture[];
  readonly id: string;
  readonly timings: PreviewView["timings"];
}) {
  const cfg = pictures.find(({ mode }) => mode === "cfg");
  const longest = Math.max(...pictures.map(({ seconds }) => seconds));
  return (
    <section aria-labelledby="took">
      {pictures.length > 1 && (
        <ul aria-label="Each picture, in its true pixels" className="mb-6 grid max-w-[392px] grid-cols-3 gap-1">
          {pictures.map(({ mode, url, width, height }) => (
            <li key={mode}>
              <a href={url} title="Open the true pixels" className="block text-small no-underline">
                <Picture
                  url={url}
                  width={width}
                  height={height}
                  alt={`The whole picture: ${modeNames[mode]}`}
                  room={128}
                  eager
                  className="block"
                />
                <span className="mt-1 block">
                  <ModeName mode={mode} />
                </span>
              </a>
            </li>
          ))}
        </ul>
      )}
      <h2 id="took" className="text-title">
        Passes and time
      </h2>
      <table className="mt-2 w-full text-left">
        <thead className="sr-only">
          <tr>
            <th scope="col">Picture</th>
            <th scope="col">Passes</th>
            <th scope="col">Seconds of the denoising loop</th>
            <th scope="col">Download</th>
          </tr>
        </thead>
        <tbody>
          {pictures.map(({ mode, passes, seconds, url }) => (
            <tr key={mode} className="border-t border-line align-middle">
              <th scope="row" className="py-2 pr-3 font-normal">
                <ModeName mode={mode} />
              </th>
              <td className="py-2 pr-3 text-right whitespace-nowrap">{passes} passes</td>
              <td className="w-2/5 py-2 pr-3">
                <span className="flex items-center gap-2">
                  <span
                    aria-hidden
                    className={`h-1.5 min-w-1 rounded-full ${colours[mode]}`}
                    style={{ width: `${Math.max(2, (60 * seconds) / longest)}%` }}
                  />
                  <span className="whitespace-nowrap">{seconds.toFixed(2)} s</span>
                </span>
              </td>
              <td className="py-2 text-right">
                <a
                  href={url}
                  download={`${id}-${mode}.png`}
                  aria-label={`Download PNG: ${modeNames[mode]}`}
                  className="whitespace-nowrap"
                >
                  PNG ↓
                </a>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="mt-1 text-small text-quiet">
        One run on this hub&apos;s worker, n = 1{cfg ? "; the pair's page has more" : ""}. Each PNG carries its recipe:
        drop it on the studio to open it again.
      </p>
      {timings?.notes.map((note) => (
        <p key={note} className="mt-1 text-small text-limits">
          {note}
        </p>
      ))}
    </section>
  );
}

const colours = { conditional: "bg-conditional", guide: "bg-guide", cfg: "bg-cfg" } as const;
