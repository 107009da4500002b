/**
 * Words on the page, in a real Chromium, against a real service that knows English words.
 *
 * The camera is a film that spells REDWOOD over and over, with one O instead of two, and takes the hand away. The
 * environment variables are those of browser.test.ts.
 */

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, open, picture, textOf as text, url, violations } from "./chromium";

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };
const READ = { timeout: 60_000, interval: 20 };
const SOON = { timeout: 10_000 };

describe.skipIf(!url)("words on the page", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  const choices = (page: Page) => page.locator('#candidates [data-do^="choose"]:visible').allTextContents();
  const notice = (page: Page) => page.locator("#notice-text").textContent();

  /** Wait for letters of a word and candidates for it. */
  async function candidates(page: Page): Promise<void> {
    const both = async () => ((await choices(page)).length ? text(page) : "");
    await expect.poll(both, READ).toMatch(/[A-Z]{3}$/);
  }

  test.each([
    ["desktop", DESKTOP],
    ["phone", PHONE],
  ] as const)("take the place of letters when the hand is gone, on a %s", { timeout: 200_000 }, async (name, viewport) => {
    const page = await open(browser, viewport);
    await candidates(page);
    await picture(page, `web_words_candidates_${name}`);
    expect(await violations(page)).toEqual([]);

    await expect.poll(() => text(page), { timeout: 120_000, interval: 20 }).toMatch(/REDWOOD $/);
    await page.keyboard.press("p"); // or the next word would begin
    const before = (await text(page)).replace(/REDWOOD $/, "");
    await picture(page, `web_words_accepted_${name}`);
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
    const lines = page.locator("#underlines u");
    expect(await lines.last().textContent()).toBe("REDWOOD");

    const asRead = page.locator('[data-do="as-read"]');
    const read = /^As read: (\w+)/.exec((await asRead.textContent()) ?? "")?.[1];
    await asRead.click();
    expect(await text(page)).toBe(`${before}${read} `);
    expect(await lines.last().getAttribute("class")).toBe("as-read");
    await picture(page, `web_words_as_read_${name}`);
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("r");
    expect(await text(page)).toBe(`${before}REDWOOD `);
    await page.keyboard.press("z");
    expect(await text(page)).toBe(`${before}${read} `);
    await page.keyboard.press("r");
    await page.keyboard.press("Backspace");
    expect(await text(page)).toBe(`${before}REDWOOD`);
    await page.keyboard.press("Backspace");
    expect(await text(page)).toBe(before);
    await page.context().close();
  });

  test("are chosen by key and by a tap, and the signer's own are sent with them", { timeout: 120_000 }, async () => {
    const page = await open(browser, DESKTOP);
    await candidates(page);
    await page.keyboard.press("p");
    const ended = (await text(page)).replace(/[A-Z]+$/, "");
    await page.keyboard.press("h");
    await page.locator("#own-words").fill("Annika\nzoë");
    const [asked] = await Promise.all([page.waitForRequest("**/words"), page.locator("#own-words").blur()]);
    expect(asked.postDataJSON()).toMatchObject({ own: ["ANNIKA"] });
    expect((await asked.response())?.status()).toBe(200);
    expect(await page.locator("#own-words-count").textContent()).toMatch(/^1 word\. Left out: ZOË\./);
    await picture(page, "web_words_settings");
    await page.keyboard.press("Escape");
    const first = (await choices(page))[0].slice(2);
    await page.keyboard.press("1");
    expect(await text(page)).toBe(`${ended}${first} `);
    expect(await choices(page)).toEqual([]);
    await page.keyboard.press("Backspace"); // the word goes on
    await expect.poll(() => choices(page), SOON).toContainEqual(expect.stringContaining(first));
    await page.locator("#candidates button", { hasText: first }).first().focus();
    await page.keyboard.press("Enter");
    expect(await text(page)).toBe(`${ended}${first} `);
    await page.reload();
    expect(await page.locator("#own-words").inputValue()).toBe("Annika\nzoë");
    await page.context().close();
  });

  test("are not asked for if they are switched off, which is remembered", { timeout: 120_000 }, async () => {
    const page = await open(browser, DESKTOP);
    await page.keyboard.press("v");
    await page.reload();
    expect(await page.locator("#use-words").isChecked()).toBe(false);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await expect.poll(() => text(page), READ).toMatch(/^[A-Z]{6}/);
    expect(asked).not.toContain("/words");
    expect(await page.locator("#candidates").isVisible()).toBe(false);
    await page.context().close();
  });

  test("that a service does not know are missed once, and letters go on", { timeout: 120_000 }, async () => {
    const page = await open(browser, DESKTOP);
    let asked = 0;
    await page.route("**/words", (route) => {
      asked++;
      return route.fulfill({ status: 404, body: "" });
    });
    await expect.poll(() => notice(page), READ).toContain("knows no words. Letters go on without words.");
    await expect.poll(() => text(page), READ).toMatch(/[A-Z] $/);
    expect(asked).toBe(1);
    await page.context().close();
  });
});
