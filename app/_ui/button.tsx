import type { AnchorHTMLAttributes, ButtonHTMLAttributes } from "react";

const looks = {
  primary: "border-accent bg-accent text-accent-ink hover:brightness-110",
  secondary: "border-edge bg-raised text-ink hover:border-accent hover:text-accent",
  danger: "border-incompatible bg-raised text-incompatible hover:bg-incompatible hover:text-raised",
  quiet: "border-transparent text-accent hover:border-line",
} as const;

const shape = "inline-flex min-h-9 cursor-pointer items-center justify-center gap-2 rounded border px-3 py-1.5 text-center font-medium no-underline disabled:cursor-not-allowed disabled:opacity-55";

interface Look {
  readonly look?: keyof typeof looks;
}

/** Does something. Its label says what. */
export function Button({ look = "secondary", className = "", type = "button", ...button }: ButtonHTMLAttributes<HTMLButtonElement> & Look) {
  return <button type={type} className={`${shape} ${looks[look]} ${className}`} {...button} />;
}

/** Goes somewhere, as prominently as a button. */
export function ButtonLink({ look = "secondary", className = "", ...link }: AnchorHTMLAttributes<HTMLAnchorElement> & Look) {
  return <a className={`${shape} ${looks[look]} ${className}`} {...link} />;
}
