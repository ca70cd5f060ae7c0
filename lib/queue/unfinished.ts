/** Whether a job waits or is being done, so that what is shown of it moves by itself. Whatever else is told in its place has ended. */
export const isUnfinished = ({ state }: { readonly state: string }): boolean =>
  state === "queued" || state === "running";
