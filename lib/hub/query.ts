/** Whether a field of an address or a form says yes; Python writes “True”, JavaScript “true” and some “1”. */
export const saysYes = (text: string | null | undefined): boolean => /^(?:true|1|yes|on)$/i.test(text ?? "");

/** How many somebody asks for, at most `most`; `most` where they do not say, or say what is no number. */
export function countOf(text: string | null, most: number): number {
  const count = /^\d{1,9}$/.test(text ?? "") ? Number(text) : most;
  return Math.min(Math.max(count, 1), most);
}
