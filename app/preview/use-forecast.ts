"use client";

import { useEffect, useState } from "react";
import type { Forecast } from "#lib/catalog/previews/schema.ts";

const AFTER_TYPING_MS = 300;
const EVERY_MS = 5000;

/** How long it would take: as the server said with the page, then anew when the settings change, and every few seconds while somebody looks. */
export function useForecast(query: string | null, first: Forecast | null): Forecast | null {
  const [forecast, setForecast] = useState(first);
  useEffect(() => {
    if (query === null) return;
    const left = new AbortController();
    const ask = async (): Promise<void> => {
      if (document.visibilityState !== "visible") return;
      const answer = await fetch(`/api/v1/previews/estimate?${query}`, { signal: left.signal }).catch(() => null);
      if (answer?.ok) setForecast((await answer.json()) as Forecast);
    };
    const soon = setTimeout(() => void ask(), AFTER_TYPING_MS);
    const timer = setInterval(() => void ask(), EVERY_MS);
    return () => {
      left.abort();
      clearTimeout(soon);
      clearInterval(timer);
    };
  }, [query]);
  return forecast;
}
