import { fileURLToPath } from "node:url";

/** A file of the models that come with the project. */
export const starterPath = (path: string): string => fileURLToPath(new URL(`../starter/${path}`, import.meta.url));
