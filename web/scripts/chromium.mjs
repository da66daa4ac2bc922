// Where a Chromium is; looked for in the usual places, installed where that is possible.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const PLACES = [
  process.env.CANDLELOOP_CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/snap/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** The path of a Chromium on this machine, or null. */
export async function findChromium() {
  const found = PLACES.find((path) => path && existsSync(path));
  if (found) return found;
  const { chromium } = await import("@playwright/test");
  return existsSync(chromium.executablePath()) ? chromium.executablePath() : null;
}

/** Install one: by the package manager where this is Debian and we may, otherwise Playwright's own. */
export async function installChromium() {
  const isRoot = process.getuid?.() === 0;
  if (isRoot && existsSync("/usr/bin/apt-get")) {
    const quiet = { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
    spawnSync("apt-get", ["update"], quiet);
    spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"], quiet);
  }
  if ((await findChromium()) === null) {
    try {
      execFileSync(process.execPath, ["node_modules/@playwright/test/cli.js", "install", "chromium"], {
        stdio: "ignore",
        timeout: 300_000,
      });
    } catch {
      return null;
    }
  }
  return findChromium();
}
