/**
 * The page in a real Chromium that lacks something, or whose network, worker or site data fail, and on its later visits.
 * The environment variables are those of browser.test.ts; the film shows one letter all the time. FINGERSPELL_NEXT is a
 * service of the next release, whose version is "next" and whose title says so.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, launchWith, open, url } from "./chromium";
import { Proxy } from "./proxy";

const { FINGERSPELL_NEXT: next = "" } = process.env;
const SIZE = { width: 1280, height: 720 };
const LOADED = { timeout: 60_000, interval: 50 };
const SOON = { timeout: 10_000 };
const reads = (page: Page) => expect.poll(() => page.locator("#letter").textContent(), LOADED).toBe("L");

describe.skipIf(!url)("the page reads", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  async function openAfter(prepare: (context: BrowserContext) => Promise<void>): Promise<Page> {
    const context = await browser.newContext({ viewport: SIZE, permissions: ["camera"] });
    await prepare(context);
    const page = await context.newPage();
    await page.goto(url);
    return page;
  }

  test("where the browser does not tell of frames", { timeout: 90_000 }, async () => {
    const page = await openAfter((context) =>
      context.addInitScript(() => Reflect.deleteProperty(HTMLVideoElement.prototype, "requestVideoFrameCallback")),
    );
    await reads(page);
    await page.context().close();
  });

  test("where nothing is compressed", { timeout: 90_000 }, async () => {
    const page = await openAfter(async (context) => {
      context.on("page", (page) =>
        page.on("worker", (worker) => {
          const removal = worker.evaluate(() => Reflect.deleteProperty(self, "CompressionStream"));
          removal.catch(() => undefined); // a page that was left has no worker
        }),
      );
    });
    const sizes: number[] = [];
    page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => sizes.push(payload.length)));
    await page.reload();
    await reads(page);
    await expect.poll(() => Math.max(...sizes), LOADED).toBeGreaterThan(224 * 224 * 3);
    await page.context().close();
  });

  test("after frames that its worker cannot read", { timeout: 90_000 }, async () => {
    const page = await openAfter((context) =>
      context.addInitScript(() => {
        let frames = 0;
        window.Worker = class extends Worker {
          override postMessage(message: { kind: string }, transfer?: Transferable[] | StructuredSerializeOptions): void {
            const isBad = message.kind === "frame" && frames++ < 3;
            super.postMessage(isBad ? { ...message, frame: {} } : message, isBad ? [] : (transfer as Transferable[]));
          }
        };
      }),
    );
    await reads(page);
    await page.context().close();
  });

  test("with site data blocked, and says that nothing is stored", { timeout: 90_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "fingerspell-"));
    mkdirSync(join(folder, "Default"));
    const blocked = { profile: { default_content_setting_values: { cookies: 2 } } };
    writeFileSync(join(folder, "Default", "Preferences"), JSON.stringify(blocked));
    const context = await launchWith(folder);
    const page = await context.newPage();
    await page.goto(url);
    const stores = () => page.evaluate(() => Boolean(localStorage));
    await expect(stores(), "the browser stores nothing").rejects.toThrow("Access is denied");
    await expect.poll(() => page.locator("#notice-text").textContent(), SOON).toContain("stores nothing for this page");
    await reads(page);
    await context.close();
    rmSync(folder, { recursive: true });
  });

  test("nothing while it is paused", { timeout: 90_000 }, async () => {
    const page = await openAfter((context) =>
      context.addInitScript(() => {
        let sent = 0;
        window.Worker = class extends Worker {
          override postMessage(message: unknown, transfer?: Transferable[] | StructuredSerializeOptions): void {
            document.documentElement.dataset.sent = String(++sent);
            super.postMessage(message, transfer as Transferable[]);
          }
        };
      }),
    );
    const frames = () => page.evaluate(() => Number(document.documentElement.dataset.sent));
    await reads(page);
    await page.keyboard.press("p");
    const before = await frames();
    await page.waitForTimeout(1000);
    expect(await frames()).toBeLessThanOrEqual(before + 1); // one that was on its way
    await page.keyboard.press("p");
    await expect.poll(frames, SOON).toBeGreaterThan(before + 5);
    await page.context().close();
  });
});

describe.skipIf(!url)("a later visit", () => {
  let browser: Browser;
  const proxy = new Proxy(new URL(url || "http://localhost"));

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await proxy.cut();
  });

  test("asks for nothing but the stream, and works offline until there is a service again", { timeout: 180_000 }, async () => {
    const address = await proxy.listen();
    const page = await open(browser, SIZE, address);
    await reads(page);
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    const first = [...new Set(proxy.paths)];
    expect(first.filter((path) => path.includes("wasm"))).toHaveLength(2);
    const fetched = proxy.paths.filter((path) => path.startsWith("/web/assets/"));
    expect(fetched, "each once").toEqual([...new Set(fetched)]);

    proxy.paths.length = 0;
    await page.reload();
    await reads(page);
    expect([...new Set(proxy.paths)].filter((path) => path !== "/words").sort()).toEqual(["/model", "/stream"]);

    await proxy.cut();
    await page.context().setOffline(true);
    await page.reload();
    await expect.poll(() => page.locator("#state").textContent(), SOON).toBe("Offline");
    await expect.poll(() => page.locator("#hint").textContent(), LOADED).toBe("");
    await page.context().setOffline(false);
    await proxy.listen();
    await reads(page);
    await page.context().close();
  });

  test.skipIf(!next)("is of the service's next release", { timeout: 180_000 }, async () => {
    const line = new Proxy(new URL(url));
    const page = await open(browser, SIZE, await line.listen());
    await reads(page);
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    await line.cut();
    line.service = new URL(next);
    await line.listen();
    await reads(page);
    const kept = () => page.evaluate(async () => (await caches.keys()).join());
    await expect.poll(kept, LOADED).toBe("fingerspell next");
    expect(await page.title()).toBe("Fingerspell");
    await page.reload();
    expect(await page.title()).toBe("Fingerspell, next");
    await reads(page);
    await page.context().close();
    await line.cut();
  });
});
