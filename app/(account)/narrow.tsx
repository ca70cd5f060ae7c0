import type { ReactNode } from "react";

/** A page that is one short form. */
export function Narrow({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <div className="mx-auto max-w-[44ch] rounded border border-line bg-raised p-6 sm:mt-6 sm:p-8">
      <h1 className="text-page">{title}</h1>
      {children}
    </div>
  );
}
