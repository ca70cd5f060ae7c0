/** The beginning of a stranger's value as JSON, for a message: of what is nested the kind alone, for it may be as deep as its file is long. */
export function shortJson(value: unknown, letters: number): string {
  if (Array.isArray(value))
    return value.some((each) => typeof each === "object" && each !== null)
      ? `a list of ${value.length} entries`
      : JSON.stringify(value.slice(0, letters)).slice(0, letters);
  if (typeof value === "object" && value !== null) return `an object of ${Object.keys(value).length} names`;
  return JSON.stringify(typeof value === "string" ? value.slice(0, letters) : value).slice(0, letters);
}
