/** The release of the page: kept in the browser for later visits, and replaced by a newer one. */

const RELOADED_FOR = "fingerspell reloaded for";

/** Keep the service's version of the page in the browser, for the next visit; nothing where the browser keeps no pages. */
export async function keepPage(version: string): Promise<void> {
  if (!version || !("serviceWorker" in navigator)) return;
  try {
    // The address has the version: it is fetched once, and a known one costs no request at all.
    await navigator.serviceWorker.register(`/web/sw.js?${version}`, { scope: "/", updateViaCache: "all" });
  } catch {
    // site data is blocked, or there is no room: the next visit loads the page again
  }
}

/** Reload the page in the service's version, at most once for each. */
export async function takeOver(version: string): Promise<void> {
  try {
    if (!version || sessionStorage.getItem(RELOADED_FOR) === version) return;
    sessionStorage.setItem(RELOADED_FOR, version);
  } catch {
    return; // what is not remembered could be done again and again
  }
  const kept = navigator.serviceWorker?.controller?.scriptURL;
  if (kept && !kept.endsWith(`?${version}`)) {
    const changed = new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done, { once: true }));
    await keepPage(version);
    await changed;
  }
  location.reload();
}
