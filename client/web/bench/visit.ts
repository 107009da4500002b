/**
 * One visit to the page in a real Chromium whose camera is a film, for benchmarks/page.py; prints what it measured as JSON.
 *
 * FINGERSPELL_URL is the service, FINGERSPELL_FILM the film as motion JPEG, CHROMIUM the browser, PROFILE the folder in
 * which the browser keeps its data, SECONDS how long the page is watched once it reads; the film then has to go on.
 */

import { chromium, type CDPSession, type Page } from "playwright-core";

const { FINGERSPELL_URL: url = "", FINGERSPELL_FILM: film = "", CHROMIUM: executablePath = "", PROFILE: profile = "" } = process.env;
const seconds = Number(process.env.SECONDS ?? 0);
/** Milliseconds for the slowest line. */
const LONGEST = 180_000;

const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  permissions: ["camera"],
  viewport: { width: 1280, height: 720 },
  args: [
    "--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
    `--use-file-for-fake-video-capture=${film}`,
  ],
}); // prettier-ignore
const page = await context.newPage();
await page.addInitScript(() => {
  const state = window as unknown as { tasks: number[] };
  state.tasks = [];
  new PerformanceObserver((list) => state.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
});
await page.goto(url, { timeout: LONGEST });
const first = { first_letter_s: (await page.evaluate(firstLetter)) / 1000 };
const watched = seconds ? await watch(page, seconds) : {};
await page.evaluate(serviceWorker);
console.log(JSON.stringify({ ...first, ...watched }));
await context.close();

/** Milliseconds from the start of the visit until a letter is shown. */
function firstLetter(): Promise<number> {
  return new Promise((done) => {
    const look = () => {
      if (document.getElementById("letter")?.textContent) done(performance.now());
      else setTimeout(look, 10);
    };
    look();
  });
}

/** Wait until the page is kept for the next visit, or for a while in vain: a build may have no service worker. */
async function serviceWorker(): Promise<void> {
  const until = performance.now() + 20_000;
  while (!(await navigator.serviceWorker.getRegistration("/"))?.active && performance.now() < until) {
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** How busy the page is while it reads. */
async function watch(page: Page, seconds: number): Promise<object> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  await page.evaluate(() => ((window as unknown as { tasks: number[] }).tasks.length = 0));
  const before = await metrics(session);
  const frames = await page.evaluate(async (milliseconds) => {
    let count = 0;
    const tick = () => void (count++, requestAnimationFrame(tick));
    tick();
    const begun = performance.now();
    await new Promise((done) => setTimeout(done, milliseconds));
    return (1000 * count) / (performance.now() - begun);
  }, 1000 * seconds);
  const after = await metrics(session);
  const tasks = await page.evaluate(() => (window as unknown as { tasks: number[] }).tasks);
  return {
    animation_frames_a_second: frames,
    main_thread_busy: (after.TaskDuration - before.TaskDuration) / (after.Timestamp - before.Timestamp),
    long_tasks_ms: tasks,
    heap_start_mb: before.JSHeapUsedSize / 1e6,
    heap_end_mb: after.JSHeapUsedSize / 1e6,
  };
}

async function metrics(session: CDPSession): Promise<Record<string, number>> {
  const { metrics } = await session.send("Performance.getMetrics");
  await session.send("HeapProfiler.collectGarbage"); // afterwards: it keeps the page busy
  const cleaned = await session.send("Performance.getMetrics");
  const values = Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  return { ...values, JSHeapUsedSize: cleaned.metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? 0 };
}
