/** Requests to the service that this page comes from. */

import { authorise } from "./stream";

/** The service could not be asked, or is too busy: another try may succeed. */
export class Unanswered extends Error {}

/** Send a body; `timeout` in milliseconds. Throws Unanswered if there is no response, and nothing if it is a refusal. */
export async function post(path: string, body: BodyInit, token: string, timeout: number): Promise<Response> {
  const json: Record<string, string> = typeof body === "string" ? { "Content-Type": "application/json" } : {};
  try {
    return await fetch(path, {
      method: "POST",
      body,
      headers: { ...json, ...authorise(token) },
      cache: "no-store",
      signal: AbortSignal.timeout(timeout),
    });
  } catch {
    throw new Unanswered("The service does not answer");
  }
}

/** The sentence of a refusal (RFC 9457). */
export async function explain(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => null)) as { detail?: unknown } | null;
  return typeof problem?.detail === "string" ? problem.detail : `The service answered ${response.status}`;
}
