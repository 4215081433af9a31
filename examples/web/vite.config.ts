/** Builds the page into one file, `dist/index.html`, that needs no server and asks for nothing. */

import { fileURLToPath } from "node:url"
import { defineConfig } from "vite"
import { oneFile } from "./one-file.ts"

export default defineConfig({
  base: "./",
  resolve: {
    // As `npm run build` at the top leaves it: what a user of the package would import in a browser.
    alias: { tosafetensors: fileURLToPath(new URL("../../dist/index.js", import.meta.url)) },
  },
  assetsInclude: ["**/*.pt"],
  plugins: [oneFile()],
  worker: { format: "iife", rolldownOptions: { output: { codeSplitting: false } } },
  build: {
    target: "es2022",
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: Number.POSITIVE_INFINITY,
    rolldownOptions: { output: { codeSplitting: false } },
  },
})
