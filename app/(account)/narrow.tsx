import type { ReactNode } from "react";

/** A page that is one short form, and what this hub is for who came here first. */
export function Narrow({
  title,
  children,
  below,
}: {
  readonly title: string;
  readonly children: ReactNode;
  readonly below?: ReactNode;
}) {
  return (
    <div className="mx-auto max-w-[44ch] sm:mt-6">
      <div className="rounded border border-line bg-raised p-6 sm:p-8">
        <h1 className="text-page">{title}</h1>
        {children}
      </div>
      {below && <p className="mt-4 px-6 text-center">{below}</p>}
      <p className="mt-4 px-6 text-center text-small text-quiet">
        This hub keeps <a href="/words#guide">guides</a>: small networks that give a diffusion model guidance in one
        pass instead of two, with what was measured of each on each model.
      </p>
    </div>
  );
}
