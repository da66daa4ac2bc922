// Holds what a browser must load before it shows anything to a budget: `node scripts/budget.mjs`, after a build.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { WEB } from "./prepare.mjs";

const SHELL_KIB = 150;
const PAGE_KIB = 205;
const KIB = 1024;

const routes = JSON.parse(readFileSync(join(WEB, ".next", "diagnostics", "route-bundle-stats.json"), "utf8"));
const text = new Map();
for (const path of new Set(routes.flatMap((route) => route.firstLoadChunkPaths))) {
  text.set(path, readFileSync(join(WEB, path), "utf8"));
}
const size = (paths) => paths.reduce((sum, path) => sum + gzipSync(text.get(path)).length, 0) / KIB;

const [first, ...others] = routes.map((route) => new Set(route.firstLoadChunkPaths));
const shell = [...first].filter((path) => others.every((paths) => paths.has(path)));
const problems = [];

report("shell, common to all pages", size(shell), SHELL_KIB);
for (const { route, firstLoadChunkPaths } of routes) report(route, size(firstLoadChunkPaths), PAGE_KIB);
for (const [path, code] of text) {
  if (code.includes("TradingView"))
    problems.push(`${path} has the chart in it, which is to be loaded when it is shown`);
}

if (problems.length > 0) {
  process.stderr.write(`${problems.join("\n")}\n`);
  process.exit(1);
}

function report(name, kib, most) {
  process.stdout.write(`${kib.toFixed(1).padStart(7)} KiB gzipped of ${most}  ${name}\n`);
  if (kib > most) problems.push(`${name} is ${kib.toFixed(1)} KiB gzipped, more than ${most}`);
}
