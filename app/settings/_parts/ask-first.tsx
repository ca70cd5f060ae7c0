import type { ReactNode } from "react";
import { Button } from "../../_ui/button.tsx";

interface AskFirstProps {
  /** Of the question, on this page. */
  readonly id: string;
  readonly button: string;
  /** What the button is about, for who does not see what it stands beside. */
  readonly label: string;
  readonly question: string;
  /** What follows from it. */
  readonly children: ReactNode;
  readonly confirm: string;
  readonly action: string;
}

/** A button whose work cannot be taken back: it asks in the middle of the page, also where there are no scripts. */
export function AskFirst({ id, button, label, question, children, confirm, action }: AskFirstProps) {
  return (
    <>
      <Button popoverTarget={id} aria-label={label} size="small" className="whitespace-nowrap">
        {button}
      </Button>
      <div
        id={id}
        popover="auto"
        role="dialog"
        aria-labelledby={`${id}-question`}
        className="m-auto max-w-[min(44ch,90vw)] rounded border border-edge bg-raised p-6 text-left whitespace-normal text-ink backdrop:bg-over-picture/40"
      >
        <p id={`${id}-question`} className="text-title [overflow-wrap:anywhere]">
          {question}
        </p>
        <div className="mt-1 text-quiet">{children}</div>
        <div className="mt-5 flex flex-wrap gap-3">
          <form method="post" action={action}>
            <Button type="submit" look="danger">
              {confirm}
            </Button>
          </form>
          <Button popoverTarget={id} popoverTargetAction="hide">
            Go back
          </Button>
        </div>
      </div>
    </>
  );
}
