// Builds the app when it is not built yet or its sources have changed: `node scripts/prepare.mjs`.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const WEB = dirname(dirname(fileURLToPath(import.meta.url)));
export const SERVER = join(WEB, ".next", "standalone", "server.js");

const PARTS = ["package-lock.json", "next.config.ts", "tsconfig.json", "postcss.config.mjs", "public", "src"];
const INSTALLED = join(WEB, "node_modules", ".candleloop-installed");
const BUILT = join(WEB, ".next", "candleloop-built");
const QUIET = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", CI: "1" };

/** Install what the lock file pins, unless exactly that is installed. */
export async function install() {
  const wanted = hash(["package-lock.json"]);
  if (read(INSTALLED) === wanted) return;
  say("installing the packages of the web page");
  await run("npm", ["ci", "--no-audit", "--no-fund"]);
  writeFileSync(INSTALLED, wanted);
}

/** Build the standalone server, unless it is that of these sources. */
export async function build() {
  const wanted = `${hash(PARTS)} node ${process.versions.node.split(".")[0]}`;
  if (read(BUILT) === wanted && existsSync(SERVER)) return;
  await install();
  say("building the web page");
  await run(process.execPath, [join("node_modules", "next", "dist", "bin", "next"), "build"]);
  cpSync(join(WEB, ".next", "static"), join(WEB, ".next", "standalone", ".next", "static"), { recursive: true });
  if (existsSync(join(WEB, "public"))) {
    cpSync(join(WEB, "public"), join(WEB, ".next", "standalone", "public"), { recursive: true });
  }
  writeFileSync(BUILT, wanted);
}

function hash(parts) {
  const sum = createHash("sha256");
  for (const file of parts.flatMap(filesOf)) {
    sum
      .update(`${file}\0`)
      .update(readFileSync(join(WEB, file)))
      .update("\0");
  }
  return sum.digest("hex");
}

function filesOf(part) {
  const path = join(WEB, part);
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return /\.test\.tsx?$/.test(part) ? [] : [part];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesOf(join(part, name)));
}

function read(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : null;
}

/** Run a command to its end; who asks this process to stop stops the command too. */
async function run(command, rest) {
  const child = spawn(command, rest, { cwd: WEB, stdio: ["ignore", "inherit", "inherit"], env: QUIET });
  const stop = () => {
    child.kill("SIGTERM");
    process.exit(1);
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
  const status = await new Promise((ended, failed) => child.once("error", failed).once("exit", ended));
  process.off("SIGTERM", stop).off("SIGINT", stop);
  if (status !== 0) throw new Error(`${command} ${rest.join(" ")} failed`);
}

function say(text) {
  process.stdout.write(`${text}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  if (process.argv.includes("--install")) await install();
  else await build();
}
