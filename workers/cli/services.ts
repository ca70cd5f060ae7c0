import { Command } from "commander";

/**
 * The processes of a hub. They take settings and no options; whoever asks for one without any gets it straight from guidepost.js, and
 * only what is more comes here.
 */
export const startCommand = service(
  "start",
  "Start a whole hub on this machine: database, worker and web. The same as npm start.",
  () => import("#workers/setup/start.ts"),
);
export const workerCommand = service(
  "worker",
  "Start one more worker for a hub, on this machine or another; it measures, inspects and draws.",
  () => import("#workers/setup/worker.ts"),
);
export const webCommand = service(
  "web",
  "Start the web process of a hub alone, in a checkout whose pages npm start has built.",
  () => import("#workers/setup/web.ts"),
);

function service(name: string, description: string, run: () => Promise<unknown>): Command {
  return new Command(name)
    .description(description)
    .addHelpText("after", "\nSettings come by environment variables, such as DATABASE_URL; docs/running.md lists them.")
    .action(async () => void (await run()));
}
