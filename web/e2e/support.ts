import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";

import { test as base, expect, type Page } from "@playwright/test";

import { Service } from "./service";
import { freePorts } from "./stack";

export { expect };

/** A way to the service that a test can break. */
export class Wire {
  private sockets = new Set<Socket>();
  private server: Server | null = null;
  port = 0;

  async up(): Promise<void> {
    const target = new URL(process.env.E2E_API as string);
    this.server = createServer((socket) => {
      const there = connect(Number(target.port), target.hostname);
      for (const [end, other] of [
        [socket, there],
        [there, socket],
      ] as const) {
        this.sockets.add(end);
        end.on("close", () => {
          this.sockets.delete(end);
          other.destroy();
        });
        end.on("error", () => end.destroy());
      }
      socket.pipe(there).pipe(socket);
    });
    this.server.listen(this.port, "127.0.0.1");
    await once(this.server, "listening");
    this.port = (this.server.address() as { port: number }).port;
  }

  async down(): Promise<void> {
    const server = this.server;
    this.server = null;
    for (const socket of this.sockets) socket.destroy();
    if (server) await new Promise((closed) => server.close(closed));
  }
}

/** Another server of the page, as built, that reaches the service by an address of the test's. */
export async function startWeb(apiUrl: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const [port] = await freePorts(1);
  const built = join(import.meta.dirname, "..", ".next", "standalone", "server.js");
  const server: ChildProcess = spawn(process.execPath, [built], {
    stdio: "ignore",
    env: { ...process.env, PORT: String(port), HOSTNAME: "127.0.0.1", CANDLELOOP_API_URL: apiUrl },
  });
  const url = `http://127.0.0.1:${port}`;
  const status = () =>
    fetch(`${url}/api/healthz`).then(
      (answer) => answer.status,
      () => 0,
    );
  await expect.poll(status).toBe(200);
  return {
    url,
    stop: async () => {
      server.kill("SIGTERM");
      if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
    },
  };
}

/** Wait until what is chosen, and is something else than before, has been painted: keys decide nothing earlier. */
export async function painted(page: Page, before = ""): Promise<string> {
  const key = async () => (await page.getByTestId("focused").getAttribute("data-key")) as string;
  await expect
    .poll(async () => {
      const shown = await page.locator("canvas[data-lanes]").getAttribute("data-painted");
      return shown !== "" && shown !== before && shown === (await key());
    })
    .toBe(true);
  return key();
}

/** The annotate page of one series. */
export class AnnotatePage {
  private decided = "";

  constructor(readonly page: Page) {}

  async open(seriesId: string, { base = process.env.E2E_WEB, labelSet = "default" } = {}): Promise<void> {
    await this.page.goto(`${base}/annotate/${seriesId}?label_set=${labelSet}`, { waitUntil: "load" });
    await this.ready();
  }

  async ready(): Promise<void> {
    await expect(this.chart).toHaveAttribute("data-ready", "true");
    await expect(this.page.getByTestId("workbench")).toHaveAttribute("data-ready", "true");
  }

  get chart() {
    return this.page.getByTestId("chart");
  }

  get save() {
    return this.page.getByTestId("save");
  }

  get message() {
    return this.page.getByTestId("message");
  }

  get counts() {
    return this.page.getByTestId("counts");
  }

  get focused() {
    return this.page.getByTestId("focused");
  }

  async spans() {
    await this.page.getByRole("tab", { name: "Spans" }).click();
    return this.page.getByRole("table", { name: "Spans around the bars in view" });
  }

  async saved(): Promise<void> {
    await expect(this.save).toHaveText("All changes saved");
  }

  /** Choose the first thing to decide, as soon as there is one. */
  async first(): Promise<void> {
    await expect(async () => {
      await this.press("Home", "n");
      await expect(this.focused).not.toContainText("Nothing.", { timeout: 2_000 });
    }).toPass();
  }

  /** Go from one thing to decide to the next until one is of a kind. */
  async next(kind: string): Promise<void> {
    await expect(async () => {
      if (!(await this.focused.textContent())?.includes(kind)) await this.press("n");
      await expect(this.focused).toContainText(kind, { timeout: 200 });
    }).toPass();
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  /** Press a key that decides on what is chosen once that has been painted: before, keys decide nothing. */
  async decide(key: string): Promise<void> {
    this.decided = await painted(this.page, this.decided);
    await this.press(key);
  }

  /** What is drawn in a lane under the candles: how much of it, where it begins on the page, and as a picture. */
  async lane(name: "you" | "TA-Lib" | "model" | "Δ"): Promise<{ ink: number; at: [number, number]; picture: string }> {
    const row = ["you", "TA-Lib", "model", "Δ"].indexOf(name);
    const lanes = this.chart.locator("canvas[data-lanes]");
    return lanes.evaluate((element, row) => {
      const canvas = element as HTMLCanvasElement;
      const box = canvas.getBoundingClientRect();
      const ratio = canvas.width / box.width;
      // Without the names of the lanes, which stand on the right, and the line below the lane.
      const [top, width, height] = [4 + 24 * row, box.width - 80, 20];
      const context = canvas.getContext("2d") as CanvasRenderingContext2D;
      const { data } = context.getImageData(0, top * ratio, width * ratio, height * ratio);
      let ink = 0;
      let first = Number.POSITIVE_INFINITY;
      for (let i = 3; i < data.length; i += 4) {
        if (data[i] === 0) continue;
        ink += 1;
        first = Math.min(first, ((i - 3) / 4) % Math.round(width * ratio));
      }
      return {
        ink,
        at: [box.left + first / ratio + 3, box.top + top + height / 2] as [number, number],
        picture: data.join(),
      };
    }, row);
  }

  /** Wait until the chart stands still: a touch that lets go of it makes it run out. */
  async still(): Promise<void> {
    let before = "";
    const stands = async () => {
      const { picture } = await this.lane("TA-Lib");
      const isSame = picture === before;
      before = picture;
      return isSame;
    };
    await expect.poll(stands).toBe(true);
  }

  /** Drag over the candles, from and to shares of the chart's width. */
  async drag(from: number, to: number): Promise<void> {
    const at = await this.places();
    await this.page.mouse.move(...at(from));
    await this.page.mouse.down();
    await this.page.mouse.move(...at((from + to) / 2), { steps: 3 });
    await this.page.mouse.move(...at(to), { steps: 3 });
    await this.page.mouse.up();
  }

  /** Places over the candles by shares of the chart's width. */
  async places(): Promise<(share: number) => [number, number]> {
    const box = await this.chart.boundingBox();
    if (!box) throw new Error("There is no chart.");
    return (share) => [box.x + share * box.width, box.y + box.height * 0.4];
  }
}

export const test = base.extend<{ service: Service; annotate: AnnotatePage }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from this pattern which fixtures are asked for
  service: async ({}, use) => use(new Service()),
  annotate: async ({ page }, use) => use(new AnnotatePage(page)),
});
