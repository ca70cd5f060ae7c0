import { globSync } from "node:fs";

/** Every file of `app/` that answers otherwise than with a page, from there; also those that a glob passes over, since a dot begins them. */
export const routeFiles = (app: string): string[] =>
  globSync(["**/route.ts", ".well-known/**/route.ts"], { cwd: app }).toSorted();
