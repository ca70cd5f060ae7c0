/** Called between two passes with what is done of what there is to do; it may wait, and it may throw to stop the measurement. */
export type Tick = (done: number, total: number) => Promise<void>;
