"use client";

import { Button } from "./_ui/button.tsx";
import { DeadEnd } from "./_ui/dead-end.tsx";

/** Something on our side did not answer. What it was is in the log, under the digest. */
export default function Failed({
  error,
  retry,
}: {
  readonly error: Error & { readonly digest?: string };
  readonly retry: () => void;
}) {
  return (
    <DeadEnd
      alert
      status={500}
      title="This page cannot be shown at the moment"
      actions={
        <Button look="primary" onClick={retry}>
          Try again
        </Button>
      }
    >
      Something on our side did not answer. Nothing of yours was lost, and what runs goes on. Try again in a few
      seconds; if it stays, tell the hub&apos;s operator{error.digest ? ` the number ${error.digest}` : ""}.
    </DeadEnd>
  );
}
