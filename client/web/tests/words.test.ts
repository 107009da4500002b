/** Questions about words, over HTTP. */

import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Unanswered } from "../src/request";
import { certain, type Letter } from "../src/text";
import { findWords, makeQuery, NoWords } from "../src/words";

describe("a question", () => {
  test.each([
    ["no letters", []],
    ["more letters than the service takes", Array.from({ length: 65 }, () => certain("A"))],
    ["something other than a letter", [certain("?")]],
  ])("is not asked about %s", (_, letters: Letter[]) => {
    expect(makeQuery(letters, [])).toBe(null);
  });

  test("has the signer's own words", () => {
    expect(JSON.parse(makeQuery([certain("C")], ["ANNIKA"])!)).toEqual({ segments: [certain("C").segment], own: ["ANNIKA"] });
  });
});

describe("an answer", () => {
  let server: Server;
  let response: [status: number, body: string] = [200, ""];
  let asked: { url?: string; method?: string; headers: IncomingHttpHeaders; body: string };

  beforeAll(async () => {
    server = createServer((request, answer) => {
      let body = "";
      request.on("data", (part) => (body += String(part)));
      request.on("end", () => {
        asked = { url: request.url, method: request.method, headers: request.headers, body };
        answer.writeHead(response[0]).end(response[1]);
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { fetch } = globalThis;
    const { port } = server.address() as AddressInfo;
    vi.stubGlobal("fetch", (path: string, init: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init));
  });
  afterAll(() => {
    vi.unstubAllGlobals();
    server.close();
  });

  test("has the words, and the question the token", async () => {
    const words = [{ word: "WORLD", probability: 0.9 }, { word: "WORD", probability: 0.1 }]; // prettier-ignore
    response = [200, JSON.stringify({ words, as_read: { word: "WOALD", probability: 0 }, accepted: "WORLD" })];
    expect(await findWords("{}", "sesame")).toEqual({ words: ["WORLD", "WORD"], accepted: "WORLD" });
    expect(asked).toMatchObject({ url: "/words", method: "POST", body: "{}" });
    expect(asked.headers).toMatchObject({ authorization: "Bearer sesame", "content-type": "application/json" });
  });

  test.each([
    [404, "", NoWords, "knows no words"],
    [405, "", NoWords, "knows no words"],
    [501, '{"detail": "No vocabulary."}', NoWords, "No vocabulary."],
    [503, '{"detail": "Busy."}', Unanswered, "Busy."],
    [422, '{"detail": "Too long."}', Error, "Too long."],
    [200, '{"words": "WORLD"}', Error, "not a list of words"],
    [200, "<html>", Error, "not a list of words"],
  ])("of %i %j is an error that says why", async (status, body, kind, said) => {
    response = [status, body];
    const error: unknown = await findWords("{}", "").catch((failed: unknown) => failed);
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toContain(said);
  });
});
