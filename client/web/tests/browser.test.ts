/**
 * The page in a real Chromium, with a film as its camera, against a real service.
 *
 * FINGERSPELL_URL is the service, FINGERSPELL_FILM a film as motion JPEG, CHROMIUM the browser. Pictures of the states
 * go to FINGERSPELL_PICTURES if that is set, the masks of the pictures in FINGERSPELL_PHOTOS to FINGERSPELL_MASKS.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Page, type Request } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hiddenControls, textOf as text, violations } from "./chromium";
import { Proxy } from "./proxy";

const { FINGERSPELL_URL: url = "", FINGERSPELL_FILM: film = "", CHROMIUM: executablePath = "" } = process.env;
const { FINGERSPELL_PICTURES: pictures = "" } = process.env;
const { FINGERSPELL_PHOTOS: photos = "", FINGERSPELL_MASKS: masks = "" } = process.env;
const DESKTOP = { width: 1280, height: 720 };
/** For what takes no time but on a machine that is busy. */
const SOON = { timeout: 10_000 };
const PHONE = { width: 390, height: 844 };
/** Of screens, and the last one of a page at 200 %. */
const SIZES = [DESKTOP, { width: 1440, height: 900 }, { width: 1920, height: 1080 }, { width: 768, height: 1024 }, PHONE, { width: 844, height: 390 }, { width: 640, height: 360 }];

describe.skipIf(!url)("the page", () => {
  let browser: Browser;
  const requests: string[] = [];
  const sockets: string[] = [];
  /** Of the pictures that were sent, in pixels. */
  const heights = new Set<number>();
  const errors: string[] = [];

  beforeAll(async () => {
    const camera = film
      ? ["--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${film}`]
      : ["--use-fake-device-for-media-stream"];
    browser = await chromium.launch({
      executablePath,
      args: ["--no-sandbox", "--use-fake-ui-for-media-stream", ...camera],
    });
  });
  afterAll(() => browser?.close());

  async function open(
    viewport = DESKTOP,
    scheme: "light" | "dark" = "dark",
    onLoaded: (request: Request) => void = () => {},
    address = url,
    script: () => void = () => {},
  ): Promise<Page> {
    const context = await browser.newContext({ viewport, colorScheme: scheme, permissions: ["camera"] });
    const page = await context.newPage();
    await page.addInitScript(script);
    page.on("requestfinished", onLoaded);
    const own = (asked: string) => asked.replace(/^ws/, "http").replace(address, url);
    page.on("request", (request) => requests.push(own(request.url())));
    page.on("websocket", (socket) => {
      sockets.push(own(socket.url()));
      socket.on("framesent", ({ payload }) => {
        if (payload.length && typeof payload !== "string") heights.add(payload.readUInt32BE(20));
      });
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(address);
    return page;
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
  }

  const recognises = (page: Page) =>
    expect.poll(() => page.locator("#letter").textContent(), { timeout: 60_000, interval: 50 }).not.toBe("");

  test("recognises HELLOWORLD and reports its speed", { timeout: 180_000 }, async () => {
    let bytes = 0;
    const page = await open(DESKTOP, "dark", (request) => {
      void request.sizes().then(({ responseBodySize }) => (bytes += responseBodySize));
    });
    await recognises(page);
    await picture(page, "web_reading");
    // The film starts anywhere, and is played over and over.
    await expect.poll(() => text(page), { timeout: 120_000, interval: 200 }).toContain("HELLOWORLD");
    await picture(page, "web_text");
    const { trail } = (await (await fetch(`${url}/model`)).json()) as { trail?: object | null };
    expect([...heights].sort(), "a trail below the mask while the hand moves").toEqual(trail ? [224, 448] : [224]);
    const frames = await page.evaluate(async () => {
      let count = 0;
      const until = performance.now() + 3000;
      const tick = () => {
        count++;
        if (performance.now() < until) requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
      await new Promise((done) => setTimeout(done, 3200));
      return count / 3;
    });
    console.log(`text ${await text(page)}`);
    console.log(`pace ${await page.evaluate(() => document.documentElement.dataset.pace)}`);
    console.log(`animation frames a second ${frames.toFixed(1)}, loaded ${(bytes / 2 ** 20).toFixed(1)} MiB`);
    expect(frames).toBeGreaterThan(30);
    await page.context().close();
  });

  test("edits the text by keys and buttons, and stores the settings", { timeout: 60_000 }, async () => {
    const page = await open();
    await page.keyboard.press("p"); // or letters would be added to the text
    await page.keyboard.press("v"); // or Space would only end words
    expect(await page.locator("#pause").getAttribute("aria-pressed")).toBe("true");
    await page.keyboard.press(" ");
    await page.getByRole("button", { name: "Space space" }).click();
    await page.keyboard.press("Backspace");
    expect(await text(page)).toBe(" ");
    await page.keyboard.press("m");
    expect(await page.locator("#stage").getAttribute("class")).toBe("");
    await page.keyboard.press("h");
    expect(await page.locator("#threshold-value").textContent()).toBe("50 %");
    expect(await page.locator("#hold-value").textContent()).toBe("0.2 s");
    const streams: string[] = [];
    page.on("websocket", (socket) => streams.push(socket.url()));
    await page.evaluate(() => {
      const problem = document.getElementById("problem")!;
      let seen = "";
      const note = () => {
        seen += problem.textContent ?? "";
        document.documentElement.dataset.seen = seen;
      };
      note();
      new MutationObserver(note).observe(problem, { childList: true, characterData: true, subtree: true });
    });
    await page.locator("#hold").fill("0.6");
    await page.locator("#hold").dispatchEvent("change");
    await expect.poll(() => streams.length, SOON).toBeGreaterThan(0);
    await expect.poll(() => page.locator("#state[data-ok]").count(), SOON).toBe(0); // it is paused
    expect(await page.evaluate(() => document.documentElement.dataset.seen), "no outage is told of").toBe("");
    await picture(page, "web_settings");
    await page.keyboard.press("Escape");
    await page.reload();
    expect(await page.locator("#stage.mirrored").count()).toBe(0);
    expect(await page.locator("#hold").inputValue()).toBe("0.6");
    await expect.poll(() => streams.length).toBeGreaterThan(1);
    for (const address of streams) expect(address).toMatch(/mask_version=[^&]+&trail_version=[^&]+&hold=0\.6$/);
    await page.context().close();
  });

  test("keeps the text: typed, undone, cleared, and after the page was left", { timeout: 60_000 }, async () => {
    const page = await open();
    await page.keyboard.press("p");
    await page.locator("#text").fill("HELO");
    await page.locator("#text").press("End");
    await page.keyboard.type(" you");
    expect(await text(page), "keys write in the field").toBe("HELO you");
    await page.keyboard.press("Control+z");
    expect(await text(page)).toBe("HELO yo");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Delete backspace" }).click();
    await page.keyboard.press(" "); // ends the word: it does not press Delete again
    expect(await text(page)).toBe("HELO y ");
    await page.waitForTimeout(500); // or it would be the second Delete in a row
    for (let count = 0; count < 4; count++) await page.keyboard.down("Backspace"); // held, which is not pressed twice
    await page.keyboard.up("Backspace");
    expect(await text(page)).toBe("HELO y");
    await page.keyboard.press(" ");
    await page.keyboard.press("x");
    await page.keyboard.press("x");
    expect(await text(page)).toBe("");
    await page.keyboard.press("z");
    expect(await text(page)).toBe("HELO y ");
    await page.reload();
    await expect.poll(() => text(page), SOON).toBe("HELO y ");
    await page.getByRole("button", { name: /^Lines/ }).click();
    await picture(page, "web_lines");
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Bring HELO y back" }).click();
    expect(await text(page)).toBe("HELO y HELO y ");
    await page.keyboard.press("b");
    expect(await page.locator("#large-text").textContent()).toBe("HELO y HELO y ");
    await picture(page, "web_large");
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^Lines/ }).click();
    await page.getByRole("button", { name: "Erase all" }).click();
    expect(await page.locator("#lines li").count()).toBe(0);
    await page.context().close();
  });

  test("tells of what keys do while it is paused, looks at no frames, and waits for voices", { timeout: 60_000 }, async () => {
    const page = await open(DESKTOP, "dark", () => {}, url, () => {
      const voices: object[] = [];
      speechSynthesis.getVoices = () => voices as SpeechSynthesisVoice[];
      setTimeout(() => {
        voices.push({});
        speechSynthesis.dispatchEvent(new Event("voiceschanged"));
      }, 3000);
      speechSynthesis.speak = ({ text: words }) => (document.documentElement.dataset.spoken = words);
    });
    await recognises(page);
    await page.locator("#text").fill("HI");
    await page.keyboard.press("Escape");
    await page.keyboard.press("p");
    const at = await page.evaluate(() => performance.now());
    await page.keyboard.press("s");
    await page.keyboard.press("c");
    await expect.poll(() => page.locator("#hint").textContent(), SOON).toMatch(/^Copied|does not allow copying/);
    await expect.poll(() => page.locator("#hint").textContent(), SOON).toBe("Paused: nothing is sent");
    if (at < 3000) await expect.poll(() => page.evaluate(() => document.documentElement.dataset.spoken), SOON).toBe("hi");
    await expect.poll(() => page.evaluate(() => document.documentElement.dataset.pace), SOON).toContain('"landmarks":0,');
    await page.keyboard.press("p");
    await recognises(page);
    await page.context().close();
  });

  test("shows its bars in forced colours, and flashes without moving where motion is unwanted", { timeout: 60_000 }, async () => {
    const context = await browser.newContext({ viewport: DESKTOP, permissions: ["camera"], forcedColors: "active", reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.goto(url);
    await recognises(page);
    await page.keyboard.press("p");
    const pictures = [];
    for (const value of [0, 0.5, 1]) {
      const bar = page.locator("#sure").evaluateHandle((element, share) => {
        const copy = element.parentElement!.appendChild(element.cloneNode()) as HTMLProgressElement;
        copy.value = share;
        return copy;
      }, value);
      pictures.push((await (await bar).screenshot()).toString("base64"));
      await (await bar).evaluate((copy) => copy.remove());
    }
    expect(new Set(pictures).size).toBe(3);
    const ring = page.locator("#held");
    const colours = await ring.evaluate((element) => [element, element.previousElementSibling!].map((each) => getComputedStyle(each).stroke));
    expect(colours[0]).not.toBe(colours[1]);
    await page.locator("#badge").evaluate((element) => element.classList.add("flash"));
    expect(await page.locator("#badge").evaluate((element) => getComputedStyle(element).animationName)).toBe("flash-still");
    await picture(page, "web_forced_colours");
    await context.close();
  });

  test("is used by keyboard alone from the first visit on", { timeout: 60_000 }, async () => {
    const context = await browser.newContext({ viewport: DESKTOP, permissions: [] });
    const page = await context.newPage();
    await page.addInitScript(() => {
      navigator.permissions.query = () => Promise.reject(new TypeError("this browser does not tell"));
    });
    await page.goto(url);
    await expect.poll(() => page.locator("#loading").isHidden(), { timeout: 30_000 }).toBe(true);
    await picture(page, "web_welcome");
    expect(await violations(page)).toEqual([]);
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute("data-do") ?? document.activeElement?.id);
    for (let count = 0; count < 12 && (await focused()) !== "start"; count++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await recognises(page);
    const reached = new Set<string>();
    for (let count = 0; count < 40; count++) {
      await page.keyboard.press("Tab");
      reached.add((await focused()) ?? "");
    }
    for (const name of ["tab-read", "hand", "settings", "mirror", "pause", "text", "space", "delete", "undo", "copy", "speak", "large", "history"]) {
      expect([...reached]).toContain(name);
    }
    await page.locator("#tab-read").focus();
    await page.keyboard.press("ArrowRight");
    expect(await focused()).toBe("tab-practise");
    await page.keyboard.press("ArrowRight");
    expect(await page.locator("#chart").isVisible()).toBe(true);
    await context.close();
  });

  test("asks for letters, without writing", { timeout: 60_000 }, async () => {
    const page = await open();
    await recognises(page);
    await page.keyboard.press("t");
    const before = await text(page);
    await page.getByRole("button", { name: "E, new" }).click();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    expect(await page.locator("#practise-word").textContent()).toBe("E");
    await expect.poll(() => page.locator("#practise-shown").textContent(), { timeout: 30_000 }).toMatch(/^You show [A-DF-Z]/);
    await picture(page, "web_practise");
    for (const size of SIZES) {
      await page.setViewportSize(size);
      expect(await hiddenControls(page), `${size.width} x ${size.height}`).toEqual([]);
      expect(await violations(page), `${size.width} x ${size.height}`).toEqual([]);
    }
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Escape");
    await expect.poll(() => page.locator("#practise-weakest").textContent(), SOON).toContain("E");
    await page.keyboard.press("Escape");
    await page.keyboard.press("l");
    await page.locator("#chart button").nth(12).click();
    await page.getByRole("button", { name: "Practise it" }).click();
    expect(await page.locator("#practise-word").textContent()).toBe("M");
    expect(await text(page)).toBe(before);
    await page.context().close();
  });

  test("practises: what is shown counts, and what is off is named; or spells, and reads what is typed", { timeout: 240_000 }, async () => {
    const page = await open();
    await page.keyboard.press("t");
    for (const letter of ["L", "O"]) await page.getByRole("button", { name: `${letter}, new` }).click();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    const hint = page.locator("#practise-hint");
    await expect.poll(() => hint.textContent(), { timeout: 60_000, interval: 20 }).toMatch(/^(Fold|Straighten|Touch|Stretch)/);
    await expect.poll(() => page.locator("#practise-signing-count").textContent(), { timeout: 120_000 }).toBe("4 of 10");
    await page.keyboard.press("Escape");
    expect(await page.locator("#practise-right-count").textContent()).toBe("3 of 3 letters shown rightly.");
    await picture(page, "web_practise_results");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Read me" }).click();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.keyboard.type("qqqq");
    await page.keyboard.press("Enter");
    expect(await page.locator("#practise-read").textContent()).toMatch(/^It was [A-Z]+\.$/);
    expect(await page.locator("#practise-typed").inputValue()).toBe("");
    await picture(page, "web_read_me");
    await page.keyboard.press("Escape");
    await page.keyboard.press("e");
    expect(await text(page)).toBe("");
    await page.context().close();
  });

  test("shows how letters are signed, with either hand, without writing", { timeout: 60_000 }, async () => {
    const page = await open();
    await page.keyboard.press("l");
    const before = await text(page);
    expect((await page.locator("#chart li").allTextContents()).join("")).toBe("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    await page.locator("#chart button").nth(12).click();
    expect(await page.locator("#shape").getAttribute("aria-label")).toBe("M, signed with the right hand");
    await page.getByRole("button", { name: "Left hand" }).click();
    expect(await page.locator("#shape").getAttribute("aria-label")).toContain("left hand");
    await expect.poll(() => page.locator("#badge-letter").textContent(), { timeout: 60_000, interval: 50 }).not.toBe("");
    expect(await text(page)).toBe(before);
    await page.context().close();
  });

  test("learns a hand by itself, and learns from a mistake", { timeout: 280_000 }, async () => {
    const page = await open(PHONE, "light");
    await recognises(page);
    await page.keyboard.press("v"); // or words would take the place of the letters
    await page.keyboard.press("y");
    await page.locator("#hand-name").fill("Anna");
    await page.keyboard.press("Enter");
    const before = await text(page);
    const asked = () => page.locator("#hand-asked").textContent();
    // The film shows other letters than the one that is asked for: they are samples all the same.
    await expect.poll(() => page.locator("#dots").textContent(), { timeout: 30_000, interval: 50 }).toContain("●");
    await picture(page, "web_hand_asking");
    const edges = await page.evaluate(() => {
      const [stage, hand] = ["stage", "hand"].map((id) => document.getElementById(id)?.getBoundingClientRect());
      return [stage?.top ?? -1, innerHeight - (hand?.bottom ?? 0)];
    });
    expect(Math.min(...edges), "camera and letter are visible together").toBeGreaterThan(-1);
    expect(await violations(page)).toEqual([]);
    await expect.poll(asked, { timeout: 120_000, interval: 50 }).not.toBe("Show A");
    expect(await text(page), "nothing is written meanwhile").toBe(before);
    await page.keyboard.press("Escape");
    const verdict = () => page.locator("#hand-verdict").textContent();
    await expect.poll(verdict, { timeout: 20_000 }).toMatch(/^Your hand is known: \d+ letter/);
    await expect.poll(() => page.locator("#state").textContent(), SOON).toBe("Connected, Anna's hand");
    await picture(page, "web_hand_check");
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Done" }).click();

    await expect.poll(async () => (await text(page)).length, { timeout: 30_000 }).toBeGreaterThan(before.length);
    await page.keyboard.press("p"); // or letters would be added to the text
    const read = await text(page);
    await page.keyboard.press("w");
    await picture(page, "web_chooser");
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("q");
    expect(await text(page)).toBe(`${read.slice(0, -1)}Q`);
    await expect.poll(() => page.locator("#notice-text").textContent(), SOON).toContain("That was Q.");
    await page.keyboard.press("y");
    await expect.poll(() => page.locator("#hand-letters button").last().getAttribute("aria-label"), SOON).toMatch(/^Q: [123] sample/);
    await page.getByRole("button", { name: "Do not learn it" }).click();
    await expect.poll(() => text(page), SOON).toBe(read);
    await expect.poll(() => page.locator("#hand-letters").textContent(), SOON).not.toContain("Q");
    await page.context().close();
  });

  test("keeps people's hands in files and in the browser", { timeout: 60_000 }, async () => {
    const page = await open();
    await recognises(page);
    const state = () => page.locator("#state").textContent();
    const landmarks = Buffer.from(Uint16Array.from({ length: 42 }, (_, index) => 9000 + 1000 * ((7 * index) % 43)).buffer);
    const samples = ["A", "B", "B"].map((letter) => ({ letter, landmarks: landmarks.toString("base64") }));
    const members = { format: "fingerspell profile", version: 1, mask_version: "finger-colours-3", correction: null };
    const file = (name: string) => ({
      name: `${name}.fingerspell`, mimeType: "application/json", buffer: Buffer.from(JSON.stringify({ ...members, name, samples })),
    }); // prettier-ignore
    await page.locator("#hand-file").setInputFiles(file("Berta"));
    await expect.poll(state, { timeout: 20_000 }).toBe("Connected, Berta's hand");
    await page.locator("#hand-file").setInputFiles({ ...file("Anna"), buffer: Buffer.from("no profile") });
    await expect.poll(() => page.locator("#notice-text").textContent(), SOON).toContain("Anna.fingerspell: it is not a profile");
    await page.evaluate((content) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([content], "Carla.fingerspell"));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
    }, String(file("Carla").buffer));
    await expect.poll(state, { timeout: 20_000 }).toBe("Connected, Carla's hand");

    await page.reload();
    await expect.poll(state, { timeout: 20_000 }).toBe("Connected, Carla's hand");
    await page.keyboard.press("y");
    await picture(page, "web_hand");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export" }).click()]);
    expect(download.suggestedFilename()).toBe("Carla.fingerspell");
    const exported = JSON.parse(readFileSync(await download.path(), "utf8")) as Record<string, unknown>;
    expect(exported).toMatchObject({ ...members, name: "Carla", samples, correction: { model: expect.any(String) as string } });
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.locator('[data-do="hand-delete-now"]').click();
    await expect.poll(state, SOON).toBe("Connected");
    expect(await page.locator("#person option").allTextContents()).toEqual(["nobody: read without a profile", "Berta"]);
    await page.context().close();
  });

  test("says what is wrong, and resumes by itself", { timeout: 60_000 }, async () => {
    const context = await browser.newContext({ viewport: DESKTOP, permissions: [] });
    const denied = await context.newPage();
    await denied.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
    });
    await denied.goto(url);
    await denied.locator("#start").click();
    await expect.poll(() => denied.locator("#problem").textContent()).toContain("may not use the camera");
    await picture(denied, "web_denied");
    await context.close();

    const broken = await browser.newContext({ viewport: DESKTOP, permissions: ["camera"] });
    const empty = await broken.newPage();
    await empty.route("**/hand_landmarker-*.packed", (route) => route.fulfill({ body: "no model" }));
    await empty.goto(url);
    await expect.poll(() => empty.locator("#problem").textContent(), SOON).toContain("The hand model has failed");
    await broken.close();

    const proxy = new Proxy(new URL(url));
    const page = await open(DESKTOP, "dark", () => {}, await proxy.listen());
    await recognises(page);
    await proxy.cut();
    await expect.poll(() => page.locator("#problem").textContent(), { timeout: 20_000 }).toContain("does not answer");
    await expect.poll(() => page.locator("#caption").textContent()).toBe("Nothing is sent");
    await picture(page, "web_away");
    await proxy.listen();
    await recognises(page);
    expect(await page.locator("#problem").textContent()).toBe("");
    await page.context().close();
    await proxy.cut();
  });

  test.skipIf(!photos)("draws the masks of still pictures", { timeout: 300_000 }, async () => {
    const context = await browser.newContext({ viewport: DESKTOP, permissions: ["camera"] });
    await context.addInitScript(startSpare);
    const page = await context.newPage();
    await page.goto(url);
    await recognises(page);
    await expect.poll(() => page.evaluate(() => "spare" in window), SOON).toBe(true);
    await page.locator("#video").evaluate((video: HTMLVideoElement) => video.pause()); // leaves the cores to the pictures
    for (const name of readdirSync(photos)) {
      const png = await page.evaluate(drawOne, encode(readFileSync(join(photos, name))));
      if (png) writeFileSync(join(masks, name), Buffer.from(png, "base64"));
    }
    await page.context().close();
  });

  test.each(["light", "dark"] as const)("has all controls on the screen and is accessible at every size, %s", { timeout: 120_000 }, async (scheme) => {
    const page = await open(DESKTOP, scheme);
    await recognises(page);
    for (const tab of ["read", "practise", "letters"]) {
      await page.locator(`#tab-${tab}`).click();
      for (const size of SIZES) {
        await page.setViewportSize(size);
        const where = `${tab} at ${size.width} x ${size.height}`;
        await picture(page, `web_${tab}_${size.width}x${size.height}_${scheme}`);
        expect(await hiddenControls(page), where).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), where).toBe(false);
        expect(await page.locator("#stage").isVisible(), where).toBe(true);
        expect(await violations(page), where).toEqual([]);
      }
    }
    await page.context().close();
  });

  test("contacts only its own service, and without errors", () => {
    expect(errors).toEqual([]);
    expect([...requests, ...sockets].filter((asked) => !asked.startsWith(url) && !asked.startsWith("blob:"))).toEqual([]);
    expect(sockets.length).toBeGreaterThan(0);
  });
});

interface Found {
  hand: { png: Uint8Array } | null;
}

const encode = (bytes: Buffer) => bytes.toString("base64");

/** Show the page's own worker a picture, after a black one that resets its tracking; returns the PNG in base64. */
async function drawOne(photo: string): Promise<string | null> {
  const state = window as unknown as { spare: Worker; time?: number };
  const look = (frame: ImageBitmap) =>
    new Promise<Found>((done) => {
      state.time = (state.time ?? 0) + 10_000; // so late that no hand of the picture before is waited for
      state.spare.onmessage = ({ data }: MessageEvent<Found>) => done(data);
      state.spare.postMessage({ kind: "frame", frame, time: state.time }, [frame]);
    });
  const bytes = Uint8Array.from(atob(photo), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  await look(await createImageBitmap(new ImageData(picture.width, picture.height)));
  const { hand } = await look(picture);
  return hand && btoa(String.fromCharCode(...hand.png));
}

/** Have the page start a second worker, `spare`, as it starts its own. */
function startSpare(): void {
  const { Worker } = window;
  window.Worker = class extends Worker {
    constructor(private readonly address: string | URL) {
      super(address);
    }

    override postMessage(message: { kind: string }, transfer?: Transferable[] | StructuredSerializeOptions): void {
      super.postMessage(message, transfer as Transferable[]);
      if (message.kind !== "start") return;
      const spare = new Worker(this.address);
      spare.onmessage = () => Object.assign(window, { spare });
      spare.postMessage(message);
    }
  };
}
