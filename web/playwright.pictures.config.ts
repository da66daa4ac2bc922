import { defineConfig } from "@playwright/test";

import tests from "./playwright.config";

// The models are those that candleloop trains as it is shipped, not the small ones of the tests.
process.env.E2E_CONFIG = "as-shipped";

/** Takes the pictures of the README: `make screenshots`. */
export default defineConfig({
  ...tests,
  testMatch: "**/*.pictures.ts",
  timeout: 600_000,
  expect: { timeout: 120_000 },
  use: { ...tests.use, trace: "off", screenshot: "off", colorScheme: "light" },
});
