import type { Person } from "#lib/auth/actor.ts";
import type { SweepReport } from "#workers/hub/sweeper.ts";

/** What a life is to do. */
export type Wish =
  | {
      readonly do: "upload";
      readonly person: Omit<Person, "scopes">;
      readonly owner: string;
      readonly repo: string;
      readonly path: string;
      readonly file: string;
      readonly key: string;
    }
  | { readonly do: "sweep"; readonly now: string };

/** What its client was told, in this order. */
export type Told =
  | { readonly begun: string; readonly state: string; readonly arrived: readonly number[] }
  | { readonly part: number }
  | { readonly completed: string }
  | { readonly read: string; readonly sha256: string }
  | { readonly committed: string }
  | { readonly swept: SweepReport };
