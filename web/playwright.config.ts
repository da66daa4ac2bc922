import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  globalSetup: "./e2e/stack.ts",
  // One stack for all: tests have series of their own, and one follows the other.
  workers: 1,
  fullyParallel: false,
  timeout: 120_000,
  expect: { timeout: 60_000 },
  // A browser on a busy machine may miss a moment: tried once more, and then reported as flaky.
  retries: 1,
  reporter: [["list"]],
  forbidOnly: Boolean(process.env.CI),
  use: {
    baseURL: process.env.E2E_WEB,
    viewport: { width: 1440, height: 860 },
    actionTimeout: 60_000,
    navigationTimeout: 60_000,
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CANDLELOOP_CHROMIUM ?? "/usr/bin/chromium",
      // Containers have no user namespaces for the sandbox; the pages are our own.
      args: ["--no-sandbox"],
    },
  },
});
