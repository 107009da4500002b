/**
 * The page in a real Chromium, with a film as its camera, against a real service.
 *
 * FINGERSPELL_URL is the service, FINGERSPELL_FILM a film as motion JPEG, CHROMIUM the browser. Pictures of the states
 * go to FINGERSPELL_PICTURES if that is set, the masks of the pictures in FINGERSPELL_PHOTOS to FINGERSPELL_MASKS.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { chromium, type Browser, type Page, type Request } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const { FINGERSPELL_URL: url = "", FINGERSPELL_FILM: film = "", CHROMIUM: executablePath = "" } = process.env;
const { FINGERSPELL_PICTURES: pictures = "" } = process.env;
const { FINGERSPELL_PHOTOS: photos = "", FINGERSPELL_MASKS: masks = "" } = process.env;
const DESKTOP = { width: 1280, height: 860 };
/** For what takes no time but on a machine that is busy. */
const SOON = { timeout: 10_000 };
const PHONE = { width: 360, height: 780 };

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
  ): Promise<Page> {
    const context = await browser.newContext({ viewport, colorScheme: scheme, permissions: ["camera"] });
    const page = await context.newPage();
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

  const text = (page: Page) => page.locator("#text").textContent();
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
    expect(await page.getByRole("button", { name: "Pause" }).getAttribute("aria-pressed")).toBe("true");
    await page.keyboard.press("x");
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
    await page.locator("#hold").fill("0.6");
    await page.locator("#hold").dispatchEvent("change");
    await picture(page, "web_settings");
    await page.keyboard.press("Escape");
    await page.reload();
    expect(await page.locator("#stage.mirrored").count()).toBe(0);
    expect(await page.locator("#hold").inputValue()).toBe("0.6");
    await expect.poll(() => streams.length).toBeGreaterThan(0);
    for (const address of streams) expect(address).toMatch(/mask_version=[^&]+&trail_version=[^&]+&hold=0\.6$/);
    await page.context().close();
  });

  test("asks for letters, and shows how they are signed", { timeout: 60_000 }, async () => {
    const page = await open();
    await page.getByRole("button", { name: "Practise" }).click();
    await page.getByRole("button", { name: "E, new" }).click();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    expect(await page.locator("#practise-word").textContent()).toBe("E");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Escape");
    expect(await page.locator("#practise-weakest").textContent()).toBe("Weakest: E.");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Read me" }).click();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.keyboard.type("qqqq");
    await page.keyboard.press("Enter");
    expect(await page.locator("#practise-read").textContent()).toMatch(/^It was [A-Z]+\.$/);
    expect(await page.locator("#practise-typed").inputValue()).toBe("");
    await picture(page, "web_read_me");
    await page.keyboard.press("Escape");
    expect(await page.locator("#practise-pace").textContent()).toBe("0.0 letters a minute");
    await page.getByRole("button", { name: "Done" }).click();
    await page.keyboard.press("t");
    await page.keyboard.press("l");
    expect((await page.locator("#chart li").allTextContents()).join("")).toBe("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    await picture(page, "web_letters");
    await page.context().close();
  });

  test("practises letters: what is shown counts, what is off is named, and nothing is written", { timeout: 180_000 }, async () => {
    const page = await open();
    await page.getByRole("button", { name: "Practise" }).click();
    for (const letter of ["L", "O"]) await page.getByRole("button", { name: `${letter}, new` }).click();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    const hint = page.locator("#practise-hint");
    await expect.poll(() => hint.textContent(), { timeout: 60_000, interval: 20 }).toMatch(/^(Fold|Straighten|Touch|Stretch)/);
    await picture(page, "web_practise");
    await expect.poll(() => page.locator("#practise-signing-count").textContent(), { timeout: 90_000 }).toBe("4 of 10");
    await page.keyboard.press("Escape");
    expect(await page.locator("#practise-right-count").textContent()).toBe("3 of 3 letters shown rightly.");
    expect(await text(page)).toBe("");
    await picture(page, "web_practise_results");
    await page.context().close();
  });

  test("learns a hand by itself, and learns from a mistake", { timeout: 120_000 }, async () => {
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
    await expect.poll(asked, { timeout: 40_000, interval: 50 }).not.toBe("Show A");
    expect(await text(page), "nothing is written meanwhile").toBe(before);
    await page.keyboard.press("Escape");
    const verdict = () => page.locator("#hand-verdict").textContent();
    await expect.poll(verdict, { timeout: 20_000 }).toMatch(/^Your hand is known: \d+ letter/);
    await expect.poll(() => page.locator("#state").textContent(), SOON).toBe("connected, your hand: Anna");
    await picture(page, "web_hand_check");
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Done" }).click();

    await expect.poll(async () => (await text(page))?.length, { timeout: 30_000 }).toBeGreaterThan(before?.length ?? 0);
    await page.keyboard.press("p"); // or letters would be added to the text
    const read = (await text(page)) ?? "";
    await page.keyboard.press("w");
    await picture(page, "web_chooser");
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("q");
    expect(await text(page)).toBe(`${read.slice(0, -1)}Q`);
    await expect.poll(() => page.locator("#notice-text").textContent(), SOON).toContain("That was Q.");
    await page.keyboard.press("y");
    await expect.poll(() => page.locator("#hand-letters button").last().getAttribute("aria-label"), SOON).toMatch(/^Q: [123] sample/);
    await page.getByRole("button", { name: "Undo" }).click();
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
    await expect.poll(state, { timeout: 20_000 }).toBe("connected, your hand: Berta");
    await page.locator("#hand-file").setInputFiles({ ...file("Anna"), buffer: Buffer.from("no profile") });
    await expect.poll(() => page.locator("#notice-text").textContent(), SOON).toContain("Anna.fingerspell: it is not a profile");
    await page.evaluate((content) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([content], "Carla.fingerspell"));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
    }, String(file("Carla").buffer));
    await expect.poll(state, { timeout: 20_000 }).toBe("connected, your hand: Carla");

    await page.reload();
    await expect.poll(state, { timeout: 20_000 }).toBe("connected, your hand: Carla");
    await page.keyboard.press("y");
    await picture(page, "web_hand");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export" }).click()]);
    expect(download.suggestedFilename()).toBe("Carla.fingerspell");
    const exported = JSON.parse(readFileSync(await download.path(), "utf8")) as Record<string, unknown>;
    expect(exported).toMatchObject({ ...members, name: "Carla", samples, correction: { model: expect.any(String) as string } });
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.locator('[data-do="hand-delete-now"]').click();
    await expect.poll(state, SOON).toBe("connected");
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
    await expect.poll(() => denied.locator("#problem").textContent()).toContain("may not use the camera");
    await picture(denied, "web_denied");
    await context.close();

    const broken = await browser.newContext({ viewport: DESKTOP, permissions: ["camera"] });
    const empty = await broken.newPage();
    await empty.route("**/hand_landmarker.task", (route) => route.fulfill({ body: "no model" }));
    await empty.goto(url);
    await expect.poll(() => empty.locator("#problem").textContent(), SOON).toContain("The hand model has failed");
    await broken.close();

    const proxy = new Proxy(new URL(url));
    const page = await open(DESKTOP, "dark", () => {}, await proxy.listen());
    await recognises(page);
    await proxy.cut();
    await expect.poll(() => page.locator("#problem").textContent(), { timeout: 20_000 }).toContain("does not answer");
    await expect.poll(() => page.locator("#caption").textContent()).toBe("nothing is sent");
    await picture(page, "web_away");
    await proxy.listen();
    await recognises(page);
    expect(await page.locator("#problem").textContent()).toBe("");
    await page.context().close();
    await proxy.cut();
  });

  test.skipIf(!photos)("draws the masks of still pictures", { timeout: 300_000 }, async () => {
    const page = await open();
    await recognises(page);
    const worker = page.workers()[0].url();
    await page.locator("#video").evaluate((video: HTMLVideoElement) => video.pause()); // leaves the cores to the pictures
    for (const name of readdirSync(photos)) {
      const png = await page.evaluate(drawOne, { worker, base: `${url}/web/`, photo: encode(readFileSync(join(photos, name))) });
      if (png) writeFileSync(join(masks, name), Buffer.from(png, "base64"));
    }
    await page.context().close();
  });

  test.each([
    ["desktop", DESKTOP],
    ["phone", PHONE],
  ] as const)("is accessible on a %s, light and dark", { timeout: 90_000 }, async (name, viewport) => {
    for (const scheme of ["light", "dark"] as const) {
      const page = await open(viewport, scheme);
      await recognises(page);
      await picture(page, `web_${name}_${scheme}`);
      for (const key of ["l", "t", "h", "y"]) await page.keyboard.press(key);
      expect(await violations(page)).toEqual([]);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      expect(wide, "nothing is wider than the screen").toBe(false);
      await page.context().close();
    }
  });

  test("contacts only its own service, and without errors", () => {
    expect(errors).toEqual([]);
    expect([...requests, ...sockets].filter((asked) => !asked.startsWith(url) && !asked.startsWith("blob:"))).toEqual([]);
    expect(sockets.length).toBeGreaterThan(0);
  });
});

/** What the page lacks in its present state to be accessible to all. */
async function violations(page: Page): Promise<string[]> {
  // Playwright bypasses the page's policy, which forbids any other script.
  await page.evaluate(readFileSync("node_modules/axe-core/axe.min.js", "utf8"));
  return page.evaluate(async () => {
    const axe = (window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }).axe;
    return (await axe.run()).violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0].html}`);
  });
}

/** Forwards bytes to the service until it is cut. */
class Proxy {
  private server?: Server;
  private readonly open = new Set<Socket>();
  private port = 0;

  constructor(private readonly service: URL) {}

  /** Accept connections, on the same port each time; returns the address. */
  async listen(): Promise<string> {
    this.server = createServer((from) => {
      const to = connect(Number(this.service.port), this.service.hostname);
      for (const [one, other] of [[from, to], [to, from]]) {
        this.open.add(one);
        one.pipe(other);
        one.on("error", () => other.destroy());
        one.on("close", () => this.open.delete(one));
      }
    });
    await new Promise<void>((done) => this.server?.listen(this.port, "127.0.0.1", done));
    this.port = (this.server.address() as AddressInfo).port;
    return `http://127.0.0.1:${this.port}`;
  }

  async cut(): Promise<void> {
    const closed = new Promise((done) => this.server?.close(done));
    for (const socket of this.open) socket.destroy();
    await closed;
  }
}

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string }[];
}

const encode = (bytes: Buffer) => bytes.toString("base64");

/** Show the page's own worker a picture, after a black one that resets its tracking; returns the PNG in base64. */
async function drawOne(given: { worker: string; base: string; photo: string }): Promise<string | null> {
  const state = window as unknown as { worker?: Worker; time?: number };
  const ask = (worker: Worker, message: object, transfer: Transferable[] = []) =>
    new Promise<{ hand: { png: Uint8Array } | null }>((done) => {
      worker.onmessage = ({ data }) => done(data);
      worker.postMessage(message, transfer);
    });
  if (!state.worker) {
    state.worker = new Worker(given.worker);
    await ask(state.worker, { kind: "start", base: given.base });
  }
  const look = async (frame: ImageBitmap) => {
    state.time = (state.time ?? 0) + 10_000; // so late that no hand of the picture before is waited for
    return ask(state.worker!, { kind: "frame", frame, time: state.time }, [frame]);
  };
  const bytes = Uint8Array.from(atob(given.photo), (letter) => letter.charCodeAt(0));
  const photo = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  await look(await createImageBitmap(new ImageData(photo.width, photo.height)));
  const { hand } = await look(photo);
  return hand && btoa(String.fromCharCode(...hand.png));
}
