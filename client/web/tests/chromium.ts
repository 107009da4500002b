/** A real Chromium whose camera is a film, and its pages; the environment variables are those of browser.test.ts. */

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
