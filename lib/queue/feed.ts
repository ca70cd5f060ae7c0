/** One event of a stream; `data` goes over the wire as JSON. */
export interface ServerEvent {
  readonly name: string;
  readonly data: unknown;
}

/** Something that moves, as one person may look on. */
export interface Feed<View> {
  /** Of the row that is watched. */
  readonly id: string;
  /** How it is now, and with it whether the person may still see it. Who looks on as the same person shares what was read. */
  read(): Promise<View>;
  /**
   * What to tell whoever has seen `before`, or null: nothing yet. Each event says the whole of its part as it is now, so that who comes
   * back after a lost connection needs none that were missed.
   */
  changes(before: View | null, now: View): readonly ServerEvent[];
  /** Whether nothing more will come; the stream then ends. */
  hasEnded(view: View): boolean;
}
