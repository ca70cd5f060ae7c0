import type { ReactNode } from "react";
import { ChartData } from "./data.tsx";

/** In the units of the drawing: every chart is as wide, so that several stand in one row. */
export const WIDTH = 360;

interface FrameProps {
  readonly id: string;
  /** What is drawn, over what. */
  readonly title: string;
  /** What it says, in a sentence. */
  readonly finding: string;
  readonly height: number;
  /** What it was drawn from. */
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly children: ReactNode;
}

/** A drawing with its title, what it says for who does not see it, and its data below. */
export function ChartFrame({ id, title, finding, height, head, rows, children }: FrameProps) {
  return (
    <figure className="min-w-0">
      <figcaption className="mb-1 font-medium">{title}</figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${height}`}
        role="img"
        aria-labelledby={`${id}-title`}
        aria-describedby={`${id}-desc`}
        className="w-full max-w-[440px] text-ink"
        fontSize="12"
      >
        <title id={`${id}-title`}>{title}</title>
        <desc id={`${id}-desc`}>{finding}</desc>
        {children}
      </svg>
      <ChartData id={id} name={title} head={head} rows={rows} />
    </figure>
  );
}
