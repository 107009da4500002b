/**
 * The page in a real Chromium, against a real service: the camera is the client's film of a rendered hand, which spells
 * HELLO WORLD over and over. The environment variables are those of browser.test.ts.
 */

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, open, picture, textOf, url } from "./chromium";

const DESKTOP = { width: 1280, height: 860 };

describe.skipIf(!url)("the page and a rendered hand", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  test("reads HELLO WORLD and nothing else", { timeout: 200_000 }, async () => {
    const page = await open(browser, DESKTOP);
    const text = (): Promise<string> => textOf(page);
    const wait = { timeout: 90_000, interval: 50 };
    // The film starts anywhere, so the first word may lack letters.
    await expect.poll(text, wait).toMatch(/WORLD $/);
    await page.keyboard.press("x");
    await expect.poll(text, wait).toMatch(/^HELLO W/);
    await picture(page, "web_hello");
    await expect.poll(text, wait).toMatch(/ \w+ $/);
    expect(await text()).toBe("HELLO WORLD ");
    await page.context().close();
  });

  test("shows how a letter is signed, beside the hand", { timeout: 90_000 }, async () => {
    const page = await open(browser, DESKTOP);
    await expect.poll(() => page.locator("#letter").textContent(), { timeout: 60_000, interval: 50 }).not.toBe("");
    await page.keyboard.press("l");
    const colours = (): Promise<number> =>
      page.locator("#shape").evaluate((canvas: HTMLCanvasElement) => {
        const data = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
        return new Set(new Uint32Array(new Uint8Array(data).buffer)).size;
      });
    await expect.poll(colours, { timeout: 10_000 }).toBeGreaterThan(500);
    await expect.poll(() => page.locator("#badge-letter").textContent(), { timeout: 60_000, interval: 50 }).not.toBe("");
    await picture(page, "web_letters");
    await page.context().close();
  });
});
