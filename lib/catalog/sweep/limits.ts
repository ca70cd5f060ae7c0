/** Between the bytes of something small and its row lies less than a second; a slow store and a wrong clock have all of this. */
export const ORPHAN_SECONDS = 3600;

/** An upload at the store that no row names: a crash came between the two. */
export const ORPHAN_MULTIPART_SECONDS = 86_400;

/** How often the whole store is listed. */
export const LISTED_EVERY_SECONDS = 3600;

export const before = (now: Date, seconds: number): Date => new Date(now.getTime() - seconds * 1000);
