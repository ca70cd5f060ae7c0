import type { DistillationView } from "#lib/catalog/distillations/schema.ts";
import { Button, ButtonLink } from "../../_ui/button.tsx";

type Action = "pause" | "resume" | "cancel";

const possible: Readonly<Record<DistillationView["state"], readonly Action[]>> = {
  queued: ["pause", "cancel"],
  running: ["pause", "cancel"],
  paused: ["resume", "cancel"],
  failed: ["resume"],
  cancelled: ["resume"],
  succeeded: [],
};

const labels: Readonly<Record<Action, string>> = { pause: "Pause", resume: "Resume", cancel: "Cancel" };

/** What can be done about it, by who may. */
export function Actions({ one: { id, state, mayChange, guide, base } }: { readonly one: DistillationView }) {
  const actions = mayChange ? possible[state].filter((action) => action !== "resume" || base !== null) : [];
  if (state === "succeeded")
    return (
      <div className="mt-4 flex flex-wrap gap-3">
        <ButtonLink look="primary" href={`/${guide.repo}`}>
          See the guide
        </ButtonLink>
        {base && (
          <ButtonLink href={`/preview?finetune=${base.repo}&guide=${guide.repo}`}>Preview it on its base</ButtonLink>
        )}
      </div>
    );
  if (actions.length === 0) return null;
  return (
    <div className="mt-4 flex flex-wrap gap-3">
      {actions.map((action) => (
        <form key={action} method="post" action={`/distillations/${id}/${action}`}>
          <Button type="submit" look={action === "cancel" ? "danger" : "secondary"}>
            {state === "cancelled" ? "Begin anew" : labels[action]}
          </Button>
        </form>
      ))}
    </div>
  );
}
