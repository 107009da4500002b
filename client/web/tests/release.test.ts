/** A page that the service does not suit any more is replaced, once. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keepPage, takeOver } from "../src/release";

let asked: string[] = [];
let reloads = 0;
let remembered = new Map<string, string>();
/** Tells the page that another service worker has it now. */
let change = () => {};

function stub(controller: string | null): void {
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => remembered.get(name) ?? null,
    setItem: (name: string, value: string) => void remembered.set(name, value),
  });
  vi.stubGlobal("location", { reload: () => reloads++ });
  vi.stubGlobal("navigator", {
    serviceWorker: {
      controller: controller && { scriptURL: `http://localhost/web/sw.js?${controller}` },
      register: async (address: string) => void asked.push(address),
      addEventListener: (_: string, listener: () => void) => (change = listener),
    },
  });
}

beforeEach(() => {
  [asked, reloads, remembered, change] = [[], 0, new Map<string, string>(), () => {}];
});
afterEach(() => void vi.unstubAllGlobals());

test("a kept page is reloaded when the new one is kept", async () => {
  stub("old");
  const done = takeOver("new");
  await vi.waitFor(() => expect(asked).toEqual(["/web/sw.js?new"]));
  expect(reloads).toBe(0);
  change();
  await done;
  await takeOver("new");
  expect([reloads, asked.length], "only once").toEqual([1, 1]);
});

test.each([[null], ["new"]])("a page is reloaded at once if it is kept as %s", async (controller) => {
  stub(controller);
  await takeOver("new");
  expect([reloads, asked]).toEqual([1, []]);
});

test("a page is not reloaded where that cannot be remembered, or without a version", async () => {
  stub(null);
  await takeOver("");
  vi.stubGlobal("sessionStorage", undefined);
  await takeOver("new");
  expect(reloads).toBe(0);
});

test("a page is not kept where the browser keeps none", async () => {
  stub(null);
  vi.stubGlobal("navigator", { serviceWorker: { register: () => Promise.reject(new DOMException("no", "SecurityError")) } });
  await expect(keepPage("new")).resolves.toBeUndefined();
  vi.stubGlobal("navigator", {});
  await expect(keepPage("new")).resolves.toBeUndefined();
});
