"use client";

import { useRouter } from "next/navigation.js";
import { useEffect } from "react";

/**
 * While it is on a page, the page is made anew every so often: for what moves by itself, such as a measurement. The server leaves it
 * out once nothing moves any more. A page that nobody looks at rests, and what a person has typed or scrolled to stays.
 */
export function Refresh({ every = 2000 }: { readonly every?: number }) {
  const { refresh } = useRouter();
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && refresh(), every);
    return () => clearInterval(timer);
  }, [every, refresh]);
  return null;
}
