import type { Stage } from "./stage.ts";

/** So many seconds at most until the hub has measured what the stories look at: beside other work, where nobody waits for it. */
export const MEASURED_WITHIN = 1500;

export interface StartedStage {
  readonly stage: Stage;
  stop(): Promise<void>;
}

/** The tests of one part of the pages. `stage` gives the stage once the hub runs. */
export type Story = (stage: () => Stage) => void;
