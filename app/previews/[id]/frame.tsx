import type { ReactNode } from "react";
import { Caption, type ComparedPicture } from "../../_islands/compare.tsx";
import { type Mode, ModeName, modeNames } from "../../_ui/mode.tsx";
import { Picture } from "../../_ui/picture.tsx";

interface FrameProps {
  readonly mode: Mode;
  readonly picture: ComparedPicture | null;
  readonly prompt: string;
  /** A coarse look at what is coming, as the address data:…. */
  readonly coarse?: string | null;
  /** What stands in an empty frame. */
  readonly empty: string;
  /** What stands below it, until the picture is there. */
  readonly children?: ReactNode;
}

/** The place of one picture: empty, then coarse, then the picture. Its size never changes. */
export function Frame({ mode, picture, prompt, coarse = null, empty, children }: FrameProps) {
  return (
    <figure className="w-[256px] sm:w-[384px]" data-mode={mode}>
      <div className="grid aspect-square w-full place-items-center bg-sunken">
        {picture ? (
          <a href={picture.url} title="Open the true pixels">
            <Picture {...pixelsOf(picture)} alt={`${modeNames[mode]}: ${prompt}`} room={384} phoneRoom={256} eager />
          </a>
        ) : coarse ? (
          <img
            src={coarse}
            alt={`A coarse look at what is coming: ${modeNames[mode]}`}
            className="size-full object-contain [image-rendering:pixelated]"
          />
        ) : (
          <span className="text-quiet">{empty}</span>
        )}
      </div>
      <figcaption className="mt-1.5 min-h-12 space-y-1">
        {picture ? <Caption of={picture} /> : <ModeName mode={mode} />}
        {!picture && children}
      </figcaption>
    </figure>
  );
}

const pixelsOf = ({ url, width, height }: ComparedPicture) => ({ url, width, height });
