"use client";

import { useEffect, useState } from "react";
import type { PreviewView } from "#lib/catalog/previews/schema.ts";

interface Live {
  readonly view: PreviewView;
  /** When the last news came, in seconds since the page did. */
  readonly news: number;
  readonly hasEnded: boolean;
  /** Why nothing is heard. */
  readonly problem: string | null;
}

const POLL_MS = 2000;

/** A preview as it moves: told by the server, and asked for every few seconds where that cannot be. */
export function useLive(first: PreviewView): Live {
  const [live, set] = useState<Live>({ view: first, news: 0, hasEnded: false, problem: null });
  const { id } = first;
  useEffect(() => {
    const began = performance.now();
    let timer: ReturnType<typeof setInterval> | null = null;
    const hear = (change: (view: PreviewView) => PreviewView): void =>
      set((now) => ({ ...now, view: change(now.view), news: (performance.now() - began) / 1000, problem: null }));
    const end = (): void => {
      close();
      set((now) => ({ ...now, hasEnded: true }));
    };
    const poll = async (): Promise<void> => {
      const answer = await fetch(`/api/v1/previews/${id}`).catch(() => null);
      if (answer?.status === 404) return end();
      if (!answer?.ok)
        return set((now) => ({
          ...now,
          problem: "The hub cannot be reached; what is drawn goes on, and this page asks again.",
        }));
      const view = (await answer.json()) as PreviewView;
      hear(() => view);
      if (view.state !== "queued" && view.state !== "running") end();
    };
    const source = new EventSource(`/api/v1/previews/${id}/events`);
    const close = (): void => {
      source.close();
      if (timer !== null) clearInterval(timer);
    };
    const startPolling = (): void => {
      source.close();
      timer ??= setInterval(() => void poll(), POLL_MS);
    };
    source.addEventListener("state", ({ data }) => hear(() => JSON.parse(data as string) as PreviewView));
    source.addEventListener("progress", ({ data }) =>
      hear((view) => ({ ...view, progress: JSON.parse(data as string) as PreviewView["progress"] })),
    );
    source.addEventListener("picture", ({ data }) => {
      const picture = JSON.parse(data as string) as PreviewView["pictures"][number];
      hear((view) => ({ ...view, pictures: [...view.pictures.filter(({ mode }) => mode !== picture.mode), picture] }));
    });
    source.addEventListener("end", end);
    source.addEventListener("failure", startPolling);
    // A browser comes back by itself after a lost connection, and gives up after an answer that is no stream.
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && startPolling());
    return close;
  }, [id]);
  return live;
}
