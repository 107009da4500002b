import { defineConfig } from "vite";

// The page is at `/` and everything it loads below `/web/`: the service serves both.
export default defineConfig({
  base: "/web/",
  build: {
    outDir: "dist",
    target: "es2022",
    assetsInlineLimit: 0,
    sourcemap: false,
    rollupOptions: {
      input: { index: "index.html", sw: "src/sw.ts" },
      output: { entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js") },
    },
  },
  worker: { format: "iife" }, // MediaPipe loads its wasm with importScripts, which module workers lack
  assetsInclude: ["**/*.packed"],
});
