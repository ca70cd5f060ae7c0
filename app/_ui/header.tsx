import type { Actor } from "#lib/auth/actor.ts";
import { Button } from "./button.tsx";

const places = [
  ["/browse?kind=finetune", "Fine-tunes"],
  ["/browse?kind=guide", "Guides"],
  ["/browse?kind=base", "Bases"],
  ["/matrix", "Matrix"],
  ["/preview", "Preview"],
  ["/jobs", "Jobs"],
] as const;

/** On every page: where one is, where one can go, who one is. */
export function Header({ actor }: { readonly actor: Actor }) {
  return (
    <header className="border-b border-line bg-raised">
      <div className="mx-auto flex max-w-[1200px] flex-wrap items-center gap-x-5 gap-y-2 px-4 py-2.5">
        <a href="/" className="flex items-center gap-2 text-title font-semibold text-ink no-underline">
          <img src="/icon.svg" alt="" width="22" height="22" />
          Guidepost
        </a>
        <nav aria-label="Main" className="order-last -mx-1 flex w-full gap-x-1 overflow-x-auto md:order-none md:w-auto">
          {places.map(([href, name]) => (
            <a
              key={href}
              href={href}
              className="rounded px-2 py-1 whitespace-nowrap text-quiet no-underline hover:text-ink"
            >
              {name}
            </a>
          ))}
        </nav>
        <form
          action="/browse"
          role="search"
          className="ml-auto min-w-0 max-md:order-1 max-md:w-full md:max-w-64 md:flex-1"
        >
          <label htmlFor="search" className="sr-only">
            Search models and guides
          </label>
          <input
            id="search"
            name="q"
            type="search"
            placeholder="Search  /"
            autoComplete="off"
            className="h-9 w-full rounded border border-line bg-surface px-3"
          />
        </form>
        {actor.kind === "person" ? (
          <>
            <a href="/upload" className="font-medium no-underline max-md:ml-auto">
              Upload
            </a>
            <details className="relative" name="menu">
              <summary className="max-w-40 list-none truncate rounded border border-line px-2.5 py-1.5">
                {actor.name}
              </summary>
              <div className="absolute right-0 z-10 mt-1 flex min-w-44 flex-col gap-1 rounded border border-line bg-raised p-2">
                <a href={`/${actor.name}`} className="rounded px-2 py-1 text-ink no-underline hover:bg-sunken">
                  Your models
                </a>
                <a href="/previews" className="rounded px-2 py-1 text-ink no-underline hover:bg-sunken">
                  Your previews
                </a>
                <a href="/settings" className="rounded px-2 py-1 text-ink no-underline hover:bg-sunken">
                  Settings
                </a>
                <form method="post" action="/sign-out">
                  <Button type="submit" look="quiet" className="w-full justify-start! px-2!">
                    Sign out
                  </Button>
                </form>
              </div>
            </details>
          </>
        ) : (
          <a href="/sign-in" className="no-underline max-md:ml-auto">
            Sign in
          </a>
        )}
      </div>
    </header>
  );
}
