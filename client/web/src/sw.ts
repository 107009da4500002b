/**
 * The service worker: keeps the page's files in the browser, so that later visits need no network.
 *
 * The build sets `FILES`, the addresses of all files, and `VERSION`, which changes with any of them (stages/web.py).
 */

declare const FILES: readonly string[];
declare const VERSION: string;

const scope = self as unknown as ServiceWorkerGlobalScope;
const CACHE = `fingerspell ${VERSION}`;
/** Folder of the files whose names contain a hash of their contents. */
const NAMED_BY_CONTENT = "/web/assets/";

/** What Chromium has beside the standard: which requests come here, and not to the network at the same time. */
interface Routes {
  addRoutes?(route: { condition: { urlPattern: string; requestMode: string }; source: "fetch-event" }): Promise<void>;
}

scope.addEventListener("install", (event) => {
  void (event as Routes).addRoutes?.({ condition: { urlPattern: "/", requestMode: "navigate" }, source: "fetch-event" });
  void scope.skipWaiting(); // the next visit is this version's, even if another tab is open
  event.waitUntil(caches.open(CACHE).then((cache) => Promise.all(FILES.map((path) => keep(cache, path)))));
});

scope.addEventListener("activate", (event) => event.waitUntil(dropOthers().then(() => scope.clients.claim())));

scope.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  const isPage = pathname !== "/" || mode === "navigate"; // `GET /` is something else to a program
  if (method === "GET" && origin === scope.location.origin && isPage && FILES.includes(pathname)) {
    event.respondWith(answer(event.request, pathname));
  }
});

async function answer(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  return (await cache.match(path, { ignoreVary: true })) ?? fetch(request);
}

async function keep(cache: Cache, path: string): Promise<void> {
  const fixed = path.startsWith(NAMED_BY_CONTENT);
  const known = fixed ? await caches.match(path, { ignoreVary: true }) : undefined;
  const response =
    known ?? (await fetch(path, fixed ? {} : { cache: "no-cache", headers: { Accept: path === "/" ? "text/html" : "*/*" } }));
  if (!response.ok) throw new Error(`${path}: the service answered ${response.status}`);
  await cache.put(path, response);
}

async function dropOthers(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
}
