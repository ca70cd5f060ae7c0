import type { CSSProperties } from "react";

interface PictureProps {
  readonly url: string;
  readonly width: number;
  readonly height: number;
  /** A picture that was drawn takes its prompt. */
  readonly alt: string;
  /** In CSS pixels: the width that is aimed at, and the same on a phone. */
  readonly room?: number;
  readonly phoneRoom?: number;
  /** For those that are seen at once. */
  readonly eager?: boolean;
  readonly className?: string;
}

/** A picture at a whole multiple of its pixels, its room reserved before it comes. */
export function Picture({
  url,
  width,
  height,
  alt,
  room = 256,
  phoneRoom = room,
  eager = false,
  className = "",
}: PictureProps) {
  const style = {
    "--w": width,
    "--h": height,
    "--s": multiple(width, room),
    "--p": multiple(width, phoneRoom),
  } as CSSProperties;
  return (
    <img
      src={url}
      width={width}
      height={height}
      alt={alt}
      loading={eager ? "eager" : "lazy"}
      decoding="async"
      style={style}
      className={`pixels bg-sunken ${className}`}
    />
  );
}

/** How often a picture fits; one that is larger than its room is shrunk to it, which is no whole multiple and need not be. */
export const multiple = (width: number, room: number): number =>
  width > room ? room / width : Math.floor(room / width);
