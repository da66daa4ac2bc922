// Serves the built app, built first where that is needed: PORT=3000 HOSTNAME=127.0.0.1 node scripts/serve.mjs

import { build, SERVER } from "./prepare.mjs";

await build();
process.env.NEXT_TELEMETRY_DISABLED = "1";
process.env.HOSTNAME ??= "127.0.0.1";
await import(SERVER);
