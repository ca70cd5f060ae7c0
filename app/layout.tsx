import type { Metadata } from "next";
import type { ReactNode } from "react";
import "./globals.css";

export const metadata: Metadata = { title: "Guidepost", description: "A registry of plug-and-play diffusion guides." };

export default function Layout({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en">
      <body className="mx-auto max-w-[72ch] p-6">{children}</body>
    </html>
  );
}
