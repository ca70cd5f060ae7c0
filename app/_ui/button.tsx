import type { AnchorHTMLAttributes, ButtonHTMLAttributes } from "react";

const looks = {
  primary: "border-accent bg-accent text-accent-ink hover:brightness-110",
  secondary: "border-edge bg-raised text-ink hover:border-accent hover:text-accent",
  danger: "border-incompatible bg-raised text-incompatible hover:bg-incompatible hover:text-raised",
  quiet: "border-transparent text-accent hover:border-line",
} as const;

const shape =
  "inline-flex cursor-pointer items-center justify-center gap-2 rounded border text-center font-medium no-underline disabled:cursor-not-allowed disabled:opacity-55";
const sizes = { usual: "min-h-9 px-3 py-1.5", small: "min-h-7 px-2 py-0.5 text-small" } as const;

interface Look {
  readonly look?: keyof typeof looks;
  /** Small: in a row of a list. */
  readonly size?: keyof typeof sizes;
}

/** Does something. Its label says what. */
export function Button({
  look = "secondary",
  size = "usual",
  className = "",
  type = "button",
  ...button
}: ButtonHTMLAttributes<HTMLButtonElement> & Look) {
  return <button type={type} className={`${shape} ${sizes[size]} ${looks[look]} ${className}`} {...button} />;
}

/** Goes somewhere, as prominently as a button. */
export function ButtonLink({
  look = "secondary",
  size = "usual",
  className = "",
  ...link
}: AnchorHTMLAttributes<HTMLAnchorElement> & Look) {
  return <a className={`${shape} ${sizes[size]} ${looks[look]} ${className}`} {...link} />;
}
