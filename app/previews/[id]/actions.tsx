import type { PreviewView } from "#lib/catalog/previews/schema.ts";
import { Button, ButtonLink } from "../../_ui/button.tsx";
import { type Settings, studioAddress, toSizeText } from "../../preview/address.ts";
import { CopyLink } from "./copy-link.tsx";

const settingsOf = ({
  prompt,
  negativePrompt,
  promptSyntax,
  seed,
  steps,
  guidanceScale,
  guidanceRescale,
  cfgSteps,
  guideStrength,
  sampler,
  clipSkip,
  loraStrength,
  ...size
}: PreviewView): Settings => ({
  prompt,
  negativePrompt: negativePrompt ?? "",
  promptSyntax,
  seed: String(seed),
  size: toSizeText(size),
  steps: String(steps),
  guidance: String(guidanceScale),
  guidanceRescale: String(guidanceRescale),
  cfgSteps: String(cfgSteps),
  guideStrength: String(guideStrength),
  sampler,
  clipSkip: String(clipSkip),
  loraStrength: String(loraStrength),
});

/** The studio as it was, with what the repos are today. */
const settingsAddress = (preview: PreviewView): string =>
  studioAddress({ finetune: preview.finetune.repo, guide: preview.guide?.repo ?? null }, settingsOf(preview));

/** The studio as it was, down to the commits: what a link to somebody else restores. */
const exactAddress = (preview: PreviewView): string =>
  studioAddress(
    {
      finetune: preview.finetune.repo,
      revision: preview.finetune.commit,
      guide: preview.guide?.repo ?? null,
      guideRevision: preview.guide?.commit ?? null,
    },
    settingsOf(preview),
  );

/** What can be done with a preview that has ended. Plain forms. */
export function Actions({
  preview,
  isSignedIn,
  mayShow,
}: {
  readonly preview: PreviewView;
  readonly isSignedIn: boolean;
  readonly mayShow: boolean;
}) {
  const { id, isMine, isAttached } = preview;
  return (
    <section aria-label="What to do with it">
      <div className="flex flex-wrap items-start gap-2">
        <ButtonLink href={settingsAddress(preview)} look="primary">
          Change settings
        </ButtonLink>
        {isSignedIn && <Act id={id} action="rerun" label="Run again" />}
        <CopyLink path={exactAddress(preview)} />
        {mayShow && (
          <Act
            id={id}
            action={isAttached ? "hide" : "show"}
            label={isAttached ? "Take off the model's page" : "Show on the model's page"}
          />
        )}
        {isMine && !isAttached && (
          <details name="delete">
            <summary className="inline-flex min-h-9 list-none items-center rounded border border-edge bg-raised px-3 py-1.5 font-medium hover:border-incompatible hover:text-incompatible">
              Delete…
            </summary>
            <div className="mt-2 rounded border border-incompatible p-3">
              <p className="mb-2">The pictures go, and cannot be brought back; their PNGs that you have stay yours.</p>
              <Act id={id} action="delete" label="Delete this preview" look="danger" />
            </div>
          </details>
        )}
      </div>
    </section>
  );
}

function Act({
  id,
  action,
  label,
  look = "secondary",
}: {
  readonly id: string;
  readonly action: string;
  readonly label: string;
  readonly look?: "secondary" | "danger";
}) {
  return (
    <form method="post" action={`/previews/${id}/${action}`}>
      <Button type="submit" look={look}>
        {label}
      </Button>
    </form>
  );
}
