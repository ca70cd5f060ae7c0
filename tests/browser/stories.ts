import type { Stage } from "./stage.ts";

export interface StartedStage {
  readonly stage: Stage;
  stop(): Promise<void>;
}

/** The tests of one part of the pages. `stage` gives the stage once the hub runs. */
export type Story = (stage: () => Stage) => void;
