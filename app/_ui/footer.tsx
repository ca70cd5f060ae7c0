import { type Theme, themes } from "#lib/http/theme.ts";

export function Footer({ theme, version }: { readonly theme: Theme; readonly version: string }) {
  return (
    <footer className="border-t border-line">
      <div className="mx-auto flex max-w-[1200px] flex-wrap items-center justify-between gap-x-6 gap-y-3 px-4 py-5 text-small text-quiet">
        <span>Guidepost {version}</span>
        <nav aria-label="More" className="flex flex-wrap gap-4">
          <a href="/pairs">Measurements</a>
          <a href="/words">What the words mean</a>
          <a href="/reference">API</a>
        </nav>
        <form method="post" action="/theme" className="flex gap-1" aria-label="Light or dark">
          {themes.map((one) => (
            <button
              key={one}
              name="theme"
              value={one}
              aria-pressed={one === theme}
              className="min-h-7 cursor-pointer rounded border border-line px-2 capitalize aria-pressed:border-accent aria-pressed:text-accent"
            >
              {one}
            </button>
          ))}
        </form>
      </div>
    </footer>
  );
}
