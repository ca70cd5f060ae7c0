import type { ReactNode } from "react";

/** One part of the settings, which an address can lead to. */
export function Section({
  id,
  title,
  about,
  children,
}: {
  readonly id: string;
  readonly title: string;
  readonly about?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <section
      id={id}
      aria-labelledby={`${id}-title`}
      className="scroll-mt-4 border-t border-line py-8 first:border-t-0 first:pt-0"
    >
      <h2 id={`${id}-title`} className="text-title">
        {title}
      </h2>
      {about && <p className="max-w-[72ch] text-quiet">{about}</p>}
      {children}
    </section>
  );
}
