import { readFileSync } from "node:fs";
import { join } from "node:path";
import { routeFiles } from "../tests/support/route-files.ts";

/** An operation of Hugging Face's published description. */
export interface PublishedRoute {
  readonly method: string;
  readonly path: string;
}

/** Those that a hub of models can be asked for, as they stand in hub-routes.txt. */
export const publishedRoutes = (): PublishedRoute[] =>
  readFileSync(join(import.meta.dirname, "hub-routes.txt"), "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const [method, path] = line.split(" ") as [string, string];
      return { method, path };
    });

/** Which of them a file of the folder `app` answers, however its address names what stands in it. */
export function answersHere(routes: readonly PublishedRoute[]): (PublishedRoute & { isHere: boolean })[] {
  const ours = new Set(routeFiles(app).flatMap(answeredBy));
  return routes.map((route) => ({ ...route, isHere: ours.has(`${route.method} ${shapeOf(route.path)}`) }));
}

const app = join(import.meta.dirname, "../app");

function answeredBy(file: string): string[] {
  const path = shapeOf(`/${file.replace(/\/?route\.ts$/, "")}`);
  const exported = [...readFileSync(join(app, file), "utf8").matchAll(/^export .*$/gm)].join("\n");
  return [...exported.matchAll(/\b(?:GET|POST|PUT|PATCH|DELETE)\b/g)].map(([method]) => `${method} ${path}`);
}

const shapeOf = (path: string): string => path.replaceAll(/\{\w+\}|\[(?:\.\.\.)?\w+\]/g, "{}");

/**
 * The table of docs/hub-protocol.md; a test fails where the page has another:
 *
 *   node guidepost.js run docs/hub-routes.ts
 */
export function hubRoutesTable(): string {
  const rows = answersHere(publishedRoutes());
  const count = rows.filter(({ isHere }) => isHere).length;
  return [
    `| of ${rows.length} operations | ${count} are here |`,
    "| --- | --- |",
    ...rows.map(({ method, path, isHere }) => `| \`${method} ${path}\` | ${isHere ? "yes" : "501"} |`),
  ].join("\n");
}

if (import.meta.main) console.log(hubRoutesTable());
