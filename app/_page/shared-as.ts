import type { Metadata } from "next";
import { env } from "#lib/env.ts";

interface SharedPicture {
  /** From the slash on. */
  readonly url: string;
  readonly width: number;
  readonly height: number;
  readonly alt: string;
}

/** What a page is called, and what other sites show where somebody links to it: a sentence, and a picture where there is one. */
export const sharedAs = (title: string, description: string, picture?: SharedPicture): Metadata => ({
  title,
  description,
  openGraph: {
    title,
    description,
    siteName: "Guidepost",
    type: "website",
    ...(picture && { images: [toImage(picture)] }),
  },
  twitter: { card: "summary" },
});

const toImage = ({ url, width, height, alt }: SharedPicture) => ({ url: env().publicUrl + url, width, height, alt });
