import { hub } from "#lib/auth/actor.ts";
import { ownerInvitation } from "#lib/auth/invitations.ts";
import { keepPeriods } from "#lib/catalog/periods/service.ts";
import { audit, hasHappened } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { env } from "#lib/env.ts";
import { log } from "#lib/log.ts";
import { loadEvaluator, loadStarter } from "./starter.ts";

/** What a hub without people or repos needs, told to whoever started this process a sentence at a time. */
const tell = (text: string): void => void process.send!({ text });
process.on("disconnect", () => process.exit(1));

// Each once in a hub's life: who deletes the collection keeps it deleted, and who takes its evaluator out keeps it out.
const LOADED = "starter.load";
const JUDGES = "starter.evaluator";

try {
  await keepPeriods(); // before anything is uploaded
  if (env().starter === "load" && !(await hasHappened(LOADED))) {
    tell("Loading the starter collection (once, some seconds)…");
    await loadStarter();
    await audit(database(), hub, LOADED, "starter");
    await audit(database(), hub, JUDGES, "starter");
  }
  if (env().starter === "load" && !(await hasHappened(JUDGES))) {
    tell("Giving the evaluator of the starter collection a repo of its own (once, some seconds)…");
    await loadEvaluator();
    await audit(database(), hub, JUDGES, "starter");
  }
  const link = await ownerInvitation();
  if (link) tell(`Nobody has signed up yet. Whoever opens this link within 24 hours becomes the owner:\n\n  ${link}\n`);
} catch (cause) {
  log().error({ event: "first-start.failed", err: cause }, (cause as Error).message);
  process.exit(1);
}
process.exit(0);
