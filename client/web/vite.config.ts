import { defineConfig } from "vite";

// The page is at `/` and everything it loads below `/web/`: the service serves both.
export default defineConfig({
  base: "/web/",
  build: { outDir: "dist", target: "es2022", assetsInlineLimit: 0, sourcemap: false },
  worker: { format: "iife" }, // MediaPipe loads its wasm with importScripts, which module workers lack
});
