import { defineConfig } from "vitest/config";

// Assets keep relative, hashed names; nothing is inlined, so the page works under a strict
// content security policy (`default-src 'self'`).
export default defineConfig({
  build: { target: "es2022", assetsInlineLimit: 0, sourcemap: false, modulePreload: { polyfill: false } },
  test: { include: ["test/**/*.test.ts"], environment: "node", css: true, testTimeout: 10_000 },
});
