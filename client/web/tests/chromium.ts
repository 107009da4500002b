/** A real Chromium whose camera is a film, and its pages; the environment variables are those of browser.test.ts. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

const { FINGERSPELL_FILM: film = "", CHROMIUM: executablePath = "", FINGERSPELL_PICTURES: pictures = "" } = process.env;

export const { FINGERSPELL_URL: url = "" } = process.env;

const options = {
  executablePath,
  args: [
    "--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
    `--use-file-for-fake-video-capture=${film}`,
  ],
}; // prettier-ignore

export function launch(): Promise<Browser> {
  return chromium.launch(options);
}

/** Start a browser that keeps its data in a folder. */
export function launchWith(folder: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, { ...options, permissions: ["camera"] });
}

/** Open the page in a context of its own, which may use the camera. */
export async function open(browser: Browser, viewport: { width: number; height: number }, address = url): Promise<Page> {
  const context = await browser.newContext({ viewport, colorScheme: "dark", permissions: ["camera"] });
  const page = await context.newPage();
  await page.goto(address);
  return page;
}

/** Keep a picture of the page, if pictures are wanted. */
export async function picture(page: Page, name: string): Promise<void> {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
}

/** What was spelled. */
export function textOf(page: Page): Promise<string> {
  return page.locator("#text").inputValue();
}

/** What the page lacks in its present state to be accessible to all. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync("node_modules/axe-core/axe.min.js", "utf8")); // past the page's policy
  return page.evaluate(async () => {
    type Result = { violations: { id: string; impact: string; nodes: { html: string }[] }[] };
    const { axe } = window as unknown as { axe: { run(): Promise<Result> } };
    return (await axe.run()).violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0].html}`);
  });
}

/** The controls of the page's present state that are not wholly on the screen. */
export function hiddenControls(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const controls = [...document.querySelectorAll<HTMLElement>("button, input, select, textarea, [tabindex='0']")];
    const isOff = (element: HTMLElement) => {
      const { top, left, bottom, right, width } = element.getBoundingClientRect();
      return width > 0 && (top < -1 || left < -1 || bottom > innerHeight + 1 || right > innerWidth + 1);
    };
    return controls.filter((element) => element.checkVisibility() && isOff(element)).map(({ outerHTML }) => outerHTML.slice(0, 80));
  });
}
