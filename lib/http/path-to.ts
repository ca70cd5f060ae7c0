/** The address of a page by the names in it. A name that came with an address may hold anything, and this goes into headers. */
export const pathTo = (...names: readonly string[]): string => `/${names.map(encodeURIComponent).join("/")}`;
