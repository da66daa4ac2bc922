import { defineConfig } from "@playwright/test";

import tests from "./playwright.config";

/** Figures instead of tests: `npm run bench`. */
export default defineConfig({
  ...tests,
  testMatch: "**/*.bench.ts",
  timeout: 600_000,
  use: { ...tests.use, trace: "off", screenshot: "off" },
});
