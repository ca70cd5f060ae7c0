import type { ReactNode } from "react";

interface DeadEndProps {
  readonly status?: number;
  readonly title: string;
  readonly children: ReactNode;
  /** The ways on. */
  readonly actions: ReactNode;
  /** Read out at once when it comes. */
  readonly alert?: boolean;
}

/** A page in the place of one that cannot be shown: why, and where to go from here. */
export function DeadEnd({ status, title, children, actions, alert = false }: DeadEndProps) {
  return (
    <div role={alert ? "alert" : undefined} className="mx-auto max-w-[56ch] py-12 text-center">
      {status !== undefined && <p className="mb-2 font-mono text-hero text-quiet">{status}</p>}
      <h1 className="text-page">{title}</h1>
      <p className="mt-3 text-quiet">{children}</p>
      <div className="mt-6 flex flex-wrap justify-center gap-3">{actions}</div>
    </div>
  );
}
