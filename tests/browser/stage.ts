import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";
import type { HubMember } from "../support/hub-member.ts";

/** Where every page is kept as it looked, for eyes; where nobody wants to look, nobody waits for the pictures. */
const screenshots = process.env["GUIDEPOST_SCREENSHOTS"];

/**
 * GUIDEPOST_SLOW_BROWSER=1 makes every page slow: its processor takes six times as long, and each answer comes 150 to 400 ms late. A
 * story that passes so waits for what a page says and not for the machine that it was written on.
 */
const isSlow = process.env["GUIDEPOST_SLOW_BROWSER"] === "1";

/** How long a page has for what it is to say: it says it in a moment, and much later where the machine does other work. */
const PATIENCE_MS = 240_000;

export const widths = [390, 1440] as const;
export const themes = ["light", "dark"] as const;

interface Visit {
  /** Whose session the browser has; nobody's. */
  readonly as?: HubMember | null;
  readonly width?: number;
  readonly theme?: (typeof themes)[number];
  readonly scripts?: boolean;
}

/** A hub that runs with the starter collection, a browser, and people. What a page must never do is watched on every page. */
export class Stage {
  readonly url: string;
  readonly browser: Browser;
  /** The operator. */
  readonly ann: HubMember;
  readonly ben: HubMember;
  /** The data folder of the hub; null for one that was there already. */
  readonly folder: string | null;

  constructor(
    url: string,
    browser: Browser,
    people: { readonly ann: HubMember; readonly ben: HubMember },
    folder: string | null,
  ) {
    this.url = url;
    this.browser = browser;
    this.ann = people.ann;
    this.ben = people.ben;
    this.folder = folder;
  }

  /** A browser of its own with one page. Close its context when done. */
  async open(path: string, { as = null, width = 1440, theme = "light", scripts = true }: Visit = {}): Promise<Page> {
    const context = await this.context({ as, width, theme, scripts });
    const page = await context.newPage();
    await page.goto(this.url + path);
    return page;
  }

  async context({ as = null, width = 1440, theme = "light", scripts = true }: Visit = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({
      viewport: { width, height: 900 },
      colorScheme: theme,
      javaScriptEnabled: scripts,
      reducedMotion: "reduce",
      acceptDownloads: true,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    if (as) await context.addCookies(as.cookies.map(({ name, value }) => ({ name, value, url: this.url })));
    context.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (!["data:", "blob:"].includes(protocol) && origin !== this.url)
        throw new Error(`${request.frame().url()} asks another site: ${request.url()}`);
    });
    context.on("page", (page) => {
      if (isSlow) makeSlow(page);
      if (scripts) waitForScripts(page);
    });
    return context;
  }

  /**
   * Looks at a page at both widths and in both themes: loads its pictures, and expects no fault that axe finds, nothing wider than
   * the page, no word of an error on the console. It is loaded once, as on a phone: its layout follows the width, and its colours the
   * theme, at once, for nothing moves where less motion is asked for.
   */
  async look(
    name: string,
    path: string,
    visit: Pick<Visit, "as"> = {},
    prepare: (page: Page) => Promise<void> = async () => {},
  ): Promise<void> {
    const context = await this.context({ ...visit, width: widths[0] });
    const page = await context.newPage();
    const errors: string[] = [];
    page.on(
      "console",
      (message) => message.type() === "error" && !isStatus(message.text()) && errors.push(message.text()),
    );
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(this.url + path);
    await prepare(page);
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      for (const theme of themes) {
        await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
        await this.keep(page, `${name}-${width}-${theme}`);
        expect({ page: name, width, theme, errors, ...(await faults(page, theme)) }).toEqual({
          page: name,
          width,
          theme,
          errors: [],
          violations: [],
          overflow: 0,
        });
      }
    }
    await context.close();
  }

  /** Loads all pictures of a page, and keeps it as it looks where that is asked for. */
  async keep(page: Page, name: string): Promise<void> {
    await page.evaluate(async () => {
      for (const image of document.images) image.loading = "eager"; // else what is further down is not there yet
      await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
    });
    if (screenshots === undefined) return;
    await mkdir(screenshots, { recursive: true });
    const take = (): Promise<unknown> => page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
    await take().catch(take); // a busy machine sometimes gives Chromium no frame in time
  }
}

/** Presses a key until it has done something: what listens to the keys of a whole page comes a moment after the page. */
export const pressUntil = (page: Page, key: string, hasDone: () => Promise<boolean>): Promise<void> =>
  expect
    .poll(async () => {
      await page.keyboard.press(key);
      return hasDone();
    })
    .toBe(true);

/** Begin before what brings the text: it may be gone by the time that a busy machine looks. @returns when it has stood on the page */
export const wasSaid = (page: Page, text: string): Promise<void> =>
  page.evaluate(
    (sought) =>
      new Promise<void>((resolve) => {
        const look = (): boolean => document.body.textContent.includes(sought);
        if (look()) return resolve();
        const observer = new MutationObserver(() => look() && (observer.disconnect(), resolve()));
        observer.observe(document.body, { subtree: true, childList: true, characterData: true });
      }),
    text,
  );

/**
 * What axe finds, and by how many pixels the page is wider than its window. In the dark it is asked for what depends on colours:
 * the same page has answered for the rest in the light.
 */
export async function faults(
  page: Page,
  theme: (typeof themes)[number] = "light",
): Promise<{ violations: string[]; overflow: number }> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
  const violations = await page.evaluate(
    async (rules) => {
      const { violations: found } = await (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
        resultTypes: ["violations"],
        ...(rules && { runOnly: { type: "rule", values: rules } }),
      });
      return found.map(
        ({ id, help, nodes }) =>
          `${id}: ${help}: ${nodes
            .slice(0, 3)
            .map(({ html, any }) => `${html.slice(0, 200)} ${any[0]?.message ?? ""}`)
            .join(" | ")}`,
      );
    },
    theme === "dark" ? ["color-contrast", "link-in-text-block"] : null,
  );
  return {
    violations,
    overflow: await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
  };
}

/** From before its first address on; who opens a page by a click on another has it slow from a moment later. */
function makeSlow(page: Page): void {
  const slowed = (async () => {
    const session = await page.context().newCDPSession(page);
    await session.send("Emulation.setCPUThrottlingRate", { rate: 6 });
    const latency = 150 + Math.random() * 250;
    await session.send("Network.emulateNetworkConditions", {
      offline: false,
      latency,
      downloadThroughput: -1,
      uploadThroughput: -1,
    });
  })();
  const goto = page.goto.bind(page);
  page.goto = async (...asked) => {
    await slowed;
    return goto(...asked);
  };
}

/**
 * Pages work before their scripts come; a story that clicks or types waits for them, wherever a new document was loaded.
 * React leaves its mark on what it has taken over; a document without a `main` is none of our pages.
 */
function waitForScripts(page: Page): void {
  const [goto, reload, waitForURL] = [page.goto.bind(page), page.reload.bind(page), page.waitForURL.bind(page)];
  page.goto = async (...asked) => hydrated(page, await goto(...asked));
  page.reload = async (...asked) => hydrated(page, await reload(...asked));
  page.waitForURL = async (...asked) => hydrated(page, await waitForURL(...asked));
}

async function hydrated<Result>(page: Page, result: Result): Promise<Result> {
  const taken = (): boolean => {
    const main = document.querySelector("main");
    return document.readyState === "complete" && (!main || Object.keys(main).some((key) => key.startsWith("__react")));
  };
  await page.waitForFunction(taken, null, { timeout: PATIENCE_MS });
  return result;
}

/** A page with another status than 200 is told on the console too, and is meant. */
const isStatus = (text: string): boolean =>
  /^Failed to load resource: the server responded with a status of (401|403|404)/.test(text);
