import manifest from "../package.json" with { type: "json" };

/** Of Guidepost; recipes and reports carry it. */
export const version: string = manifest.version;
