"use client";

import { Button } from "./_ui/button.tsx";

/** Something on our side did not answer. What it was is in the log, under the digest. */
export default function Failed({ error, retry }: { readonly error: Error & { readonly digest?: string }; readonly retry: () => void }) {
  return (
    <div role="alert" className="mx-auto max-w-[56ch] py-12 text-center">
      <p className="font-mono text-hero text-quiet">500</p>
      <h1 className="mt-2 text-page">This page cannot be shown at the moment</h1>
      <p className="mt-3 text-quiet">Something on our side did not answer. Nothing of yours was lost, and what runs goes on. Try again in a few seconds; if it stays, tell the hub&apos;s operator{error.digest ? ` the number ${error.digest}` : ""}.</p>
      <div className="mt-6 flex justify-center gap-3">
        <Button look="primary" onClick={retry}>
          Try again
        </Button>
      </div>
    </div>
  );
}
