/** What finds hands, from the service: MediaPipe's WebAssembly and the hand model, both fetched as soon as the page opens. */

import wasm from "../node_modules/@mediapipe/tasks-vision/wasm/vision_wasm_internal.wasm?url";
import packed from "../generated/hand_landmarker.packed?url";
import { unpack } from "./packing";

/** Of the hand model once it is unpacked. */
export const MODEL_BYTES = 7_819_037;

export interface HandModel {
  module: WebAssembly.Module;
  /** A `.task` bundle. */
  bundle: Uint8Array<ArrayBuffer>;
}

/** Fetch both at once; `onProgress` is told which share of the model has arrived, 0 to 1. */
export async function loadHandModel(onProgress: (share: number) => void): Promise<HandModel> {
  const [module, bytes] = await Promise.all([
    WebAssembly.compileStreaming(ask(wasm)), // compiled while it arrives
    ask(packed).then((response) => read(response, onProgress)),
  ]);
  return { module, bundle: unpack(bytes) };
}

async function ask(address: string): Promise<Response> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`the service answered ${response.status}`);
  return response;
}

async function read(response: Response, onProgress: (share: number) => void): Promise<Uint8Array> {
  if (!response.body) throw new Error("the service sent no hand model");
  const bytes = new Uint8Array(MODEL_BYTES);
  const reader = response.body.getReader();
  for (let at = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return bytes;
    bytes.set(value, at);
    at += value.length;
    onProgress(at / MODEL_BYTES);
  }
}
