"use client";

import { type CSSProperties, useEffect, useState } from "react";
import { type Mode, ModeMark, modeNames } from "../_ui/mode.tsx";
import { multiple } from "../_ui/picture.tsx";

/** A picture of one mode; all that are compared began with the same noise. */
export interface ComparedPicture {
  readonly mode: Mode;
  readonly url: string;
  readonly width: number;
  readonly height: number;
  readonly passes: number;
  readonly seconds: number;
}

interface CompareProps {
  /** In the order conditional, guide, CFG; two or three of them. */
  readonly pictures: readonly ComparedPicture[];
  readonly prompt: string;
  readonly seed: number | string;
  /** In CSS pixels: the width that a picture is aimed at, and the same on a phone. */
  readonly room?: number;
  readonly phoneRoom?: number;
  /** The width of each where they lie side by side. */
  readonly besideRoom?: number;
}

const views = { divider: "Divider", beside: "Side by side", difference: "Difference ×4", blink: "Blink" } as const;
type View = keyof typeof views;

const BLINK_MS = 700;

/** Two pictures of one seed against each other: under a divider, side by side, their difference, or one after the other. */
export function Compare({ pictures, prompt, seed, room = 384, phoneRoom = 320, besideRoom = room }: CompareProps) {
  const [view, setView] = useState<View>("divider");
  const [[left, right], choose] = useState<readonly [Mode, Mode]>([pictures.at(-1)!.mode, pictures.at(-2)!.mode]);
  const [at, setAt] = useState(50);
  const [showsRight, setShowsRight] = useState(false);

  useEffect(() => {
    if (view !== "blink") return;
    const timer = setInterval(() => setShowsRight((shown) => !shown), BLINK_MS);
    return () => clearInterval(timer);
  }, [view]);

  const of = (mode: Mode): ComparedPicture => pictures.find((picture) => picture.mode === mode) ?? pictures[0]!;
  const [a, b] = [of(left), of(right)];
  const size = {
    "--w": a.width,
    "--h": a.height,
    "--s": multiple(a.width, room),
    "--p": multiple(a.width, phoneRoom),
  } as CSSProperties;
  const image = (picture: ComparedPicture, className = "", style?: CSSProperties) => (
    <img
      src={picture.url}
      width={picture.width}
      height={picture.height}
      alt={`${modeNames[picture.mode]}: ${prompt}`}
      className={`pixels ${className}`}
      style={{ ...size, ...style }}
    />
  );

  const beside = (
    <div className="flex flex-wrap gap-2">
      {pictures.map((picture) => (
        <div key={picture.mode}>
          {image(picture, "", { "--s": multiple(picture.width, besideRoom) } as CSSProperties)}
          <Caption of={picture} />
        </div>
      ))}
    </div>
  );

  return (
    <figure className="min-w-0">
      {view === "beside" ? (
        beside
      ) : (
        <div className="relative w-fit max-w-full overflow-hidden bg-sunken" style={size}>
          {view === "difference" ? (
            <div className="isolate [filter:brightness(4)]">
              {image(a, "block")}
              {image(b, "absolute inset-0 block mix-blend-difference")}
            </div>
          ) : (
            <>
              {image(a, "block")}
              {image(b, "absolute inset-0 block", {
                clipPath: view === "divider" ? `inset(0 0 0 ${at}%)` : showsRight ? "none" : "inset(0 0 0 100%)",
              })}
            </>
          )}
          {view === "divider" && (
            <>
              <div
                aria-hidden
                className="pointer-events-none absolute inset-y-0 w-0.5 -translate-x-1/2 bg-on-picture shadow-[0_0_0_1px_rgb(0_0_0/0.6)]"
                style={{ left: `${at}%` }}
              >
                <div className="absolute top-1/2 left-1/2 grid size-8 -translate-1/2 place-items-center rounded-full border-2 border-on-picture bg-over-picture/70 text-small text-on-picture">
                  ↔
                </div>
              </div>
              <Corner side="left" mode={a.mode} />
              <Corner side="right" mode={b.mode} />
              <input
                type="range"
                min={0}
                max={100}
                value={at}
                onChange={(event) => setAt(Number(event.target.value))}
                aria-label={`Divider: ${modeNames[a.mode]} on the left, ${modeNames[b.mode]} on the right`}
                aria-valuetext={`${at}% ${modeNames[a.mode]}`}
                className="absolute inset-0 m-0 size-full cursor-ew-resize appearance-none bg-transparent opacity-0 focus-visible:opacity-100 [&::-moz-range-thumb]:opacity-0 [&::-webkit-slider-thumb]:h-full [&::-webkit-slider-thumb]:w-8 [&::-webkit-slider-thumb]:appearance-none [&::-webkit-slider-thumb]:opacity-0"
              />
            </>
          )}
        </div>
      )}
      <noscript>
        <div className="mt-3">{beside}</div>
      </noscript>
      <figcaption className="mt-2 space-y-2">
        {view !== "beside" && (
          <div className="flex flex-wrap gap-x-6 gap-y-1">
            {[a, b].map((picture) => (
              <Caption key={picture.mode} of={picture} />
            ))}
          </div>
        )}
        <div className="flex flex-wrap items-center gap-2 text-small">
          <span role="group" aria-label="How to compare" className="inline-flex flex-wrap gap-1">
            {(Object.keys(views) as View[]).map((one) => (
              <button
                key={one}
                type="button"
                aria-pressed={one === view}
                onClick={() => setView(one)}
                className="min-h-7 cursor-pointer rounded border border-line bg-raised px-2 text-quiet hover:border-accent aria-pressed:border-accent aria-pressed:font-medium aria-pressed:text-accent"
              >
                {views[one]}
              </button>
            ))}
          </span>
          {pictures.length > 2 && view !== "beside" && (
            <label className="text-quiet">
              against{" "}
              <select
                value={`${left} ${right}`}
                onChange={(event) => choose(event.target.value.split(" ") as [Mode, Mode])}
                className="min-h-7 rounded border border-line bg-raised px-1 text-ink"
              >
                <option value="cfg guide">CFG | guide</option>
                <option value="conditional guide">conditional | guide</option>
                <option value="conditional cfg">conditional | CFG</option>
              </select>
            </label>
          )}
          <span className="text-quiet">seed {seed}</span>
        </div>
      </figcaption>
    </figure>
  );
}

/** “guide · 20 passes · 0.41 s” */
export function Caption({ of: { mode, passes, seconds } }: { readonly of: ComparedPicture }) {
  return (
    <span className="inline-flex flex-wrap items-center gap-1.5 text-small">
      <ModeMark mode={mode} />
      <span className="font-medium">{modeNames[mode]}</span>
      <span className="text-quiet">
        · {passes} passes · {seconds.toFixed(2)} s
      </span>
    </span>
  );
}

function Corner({ side, mode }: { readonly side: "left" | "right"; readonly mode: Mode }) {
  return (
    <span
      aria-hidden
      className={`pointer-events-none absolute top-2 rounded bg-over-picture/70 px-1.5 text-small text-on-picture ${side === "left" ? "left-2" : "right-2"}`}
    >
      {modeNames[mode]}
    </span>
  );
}
