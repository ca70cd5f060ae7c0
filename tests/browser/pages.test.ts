import { afterAll, beforeAll, describe, vi } from "vitest";
import { startStage } from "./running-stage.ts";
import type { StartedStage, Story } from "./stories.ts";
import { account } from "./account.ts";
import { browse } from "./browse.ts";
import { common } from "./common.ts";
import { distil } from "./distil.ts";
import { families } from "./families.ts";
import { front } from "./front.ts";
import { jobs } from "./jobs.ts";
import { pair } from "./pair.ts";
import { preview } from "./preview.ts";
import { reference } from "./reference.ts";
import { repo } from "./repo.ts";
import { upload } from "./upload.ts";

vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 900_000 }); // the first start builds the pages, and the first that needs something measured waits for it

/**
 * What people do with the pages, told in this order on one hub, in a browser: first what needs nothing measured, for the hub measures
 * meanwhile.
 */
const stories: readonly (readonly [title: string, story: Story])[] = [
  ["What all pages share", common],
  ["The reference of the API", reference],
  ["4 Single files, SDXL, LoRAs and what does not run", families],
  ["5 Signing up and uploading", upload],
  ["1 The front page", front],
  ["3 The pages of a repo", repo],
  ["4 The preview studio", preview],
  ["6 The page of a pair", pair],
  ["2 Browsing", browse],
  ["Distilling a guide", distil],
  ["8 Jobs", jobs],
  ["The account", account],
];

let started: StartedStage;
beforeAll(async () => {
  started = await startStage();
});
afterAll(() => started?.stop());

describe.each(stories)("%s:", (_title, story) => story(() => started.stage));
