// Tests the pages in a real Chromium: `node scripts/e2e.mjs [playwright arguments]`. Says so where there can be none.

import { spawnSync } from "node:child_process";

import { findChromium, installChromium } from "./chromium.mjs";
import { build, WEB } from "./prepare.mjs";

process.chdir(WEB);
const chromium = (await findChromium()) ?? (await installChromium());
if (chromium === null) {
  process.stdout.write(
    "No Chromium here, and none can be installed: the tests of the pages in a browser are left out.\n" +
      "Install one (Debian: apt-get install chromium) or name it by CANDLELOOP_CHROMIUM.\n",
  );
  process.exit(0);
}
await build();
await import("./budget.mjs");
const cli = "node_modules/@playwright/test/cli.js";
const { status } = spawnSync(process.execPath, [cli, "test", ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, CANDLELOOP_CHROMIUM: chromium },
});
process.exit(status ?? 1);
