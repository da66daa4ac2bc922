import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");

/** Small models and short waits, so that a training takes seconds. */
const CONFIG = `
retrain: {min_delay_seconds: 2, max_delay_seconds: 6}
training: {threads: 1, xgboost: {rounds: 15, max_depth: 4}}
evaluation: {bootstrap_samples: 20}
out_of_fold: {folds: 0}
`;

/** Start everything as `make up` does, in a folder of its own and on free ports, and stop it at the end. */
export default async function startStack(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.E2E_WEB) return undefined;
  const home = mkdtempSync(join(tmpdir(), "candleloop-e2e-"));
  const [api, mlflow, dashboard, web] = await freePorts(4);
  const config = join(home, "pipeline.yaml");
  writeFileSync(config, process.env.E2E_CONFIG === "as-shipped" ? "{}\n" : CONFIG);
  const said = join(home, "said.log");
  const log = openSync(said, "a");
  const stack = spawn(join(ROOT, ".venv", "bin", "python"), ["-c", "from cli.main import main; main()", "up"], {
    cwd: ROOT,
    stdio: ["ignore", log, log],
    env: {
      ...process.env,
      CANDLELOOP_ENV_FILE: devNull,
      CANDLELOOP_HOME: home,
      CANDLELOOP_CONFIG: config,
      CANDLELOOP_API_PORT: String(api),
      CANDLELOOP_MLFLOW_PORT: String(mlflow),
      CANDLELOOP_DASHBOARD_PORT: String(dashboard),
      CANDLELOOP_WEB_PORT: String(web),
    },
  });
  await ready(stack, said);
  process.env.E2E_API = `http://127.0.0.1:${api}`;
  process.env.E2E_WEB = `http://127.0.0.1:${web}`;
  return async () => {
    stack.kill("SIGINT");
    if (stack.exitCode === null) await once(stack, "exit");
    rmSync(home, { recursive: true, force: true });
  };
}

async function ready(stack: ChildProcess, said: string): Promise<void> {
  const deadline = Date.now() + 280_000;
  while (!readFileSync(said, "utf8").includes("candleloop is ready")) {
    if (stack.exitCode !== null || Date.now() > deadline) {
      stack.kill("SIGINT");
      throw new Error(`The stack did not start:\n${readFileSync(said, "utf8")}`);
    }
    await new Promise((later) => setTimeout(later, 200));
  }
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  const ports = await Promise.all(
    servers.map(async (server) => {
      if (!server.listening) await once(server, "listening");
      return (server.address() as { port: number }).port;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
