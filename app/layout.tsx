import type { Metadata, Viewport } from "next";
import { cookies } from "next/headers.js";
import type { ReactNode } from "react";
import { version } from "#lib/version.ts";
import { Keys } from "./_islands/keys.tsx";
import { currentActor } from "./_page/actor.ts";
import { THEME_COOKIE, themeOf } from "#lib/http/theme.ts";
import { Footer } from "./_ui/footer.tsx";
import { Header } from "./_ui/header.tsx";
import "./globals.css";

export const metadata: Metadata = {
  title: { default: "Guidepost", template: "%s · Guidepost" },
  description: "A registry of plug-and-play diffusion guides, with what was measured of them.",
};
export const viewport: Viewport = { colorScheme: "light dark" };

export default async function Layout({ children }: { readonly children: ReactNode }) {
  const theme = themeOf((await cookies()).get(THEME_COOKIE)?.value);
  return (
    <html lang="en" data-theme={theme}>
      <body className="flex min-h-dvh flex-col">
        <a
          href="#main"
          className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-20 focus:rounded focus:bg-raised focus:px-3 focus:py-2"
        >
          Skip to the content
        </a>
        <Header actor={await currentActor()} />
        <main id="main" tabIndex={-1} className="mx-auto w-full max-w-[1200px] flex-1 px-4 py-6 outline-none sm:py-8">
          {children}
        </main>
        <Footer theme={theme} version={version} />
        <Keys />
      </body>
    </html>
  );
}
