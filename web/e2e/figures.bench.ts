import type { Page } from "@playwright/test";

import { csvOf, type Service, timeOf } from "./service";
import { AnnotatePage, expect, test } from "./support";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const DECISIONS = 60;

/** Intervals between frames while the mouse drags the chart to and fro, in ms. */
async function framesWhilePanning(page: Page): Promise<number[]> {
  const at = await new AnnotatePage(page).places();
  await page.evaluate(() => {
    const frames: number[] = [];
    let last = performance.now();
    const tick = (now: number) => {
      frames.push(now - last);
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    Object.assign(window, { frames });
  });
  const strokes: readonly [number, number][] = [
    [0.2, 0.8],
    [0.8, 0.2],
    [0.2, 0.8],
    [0.8, 0.2],
  ];
  for (const [from, to] of strokes) {
    await page.mouse.move(...at(from));
    await page.mouse.down();
    await page.mouse.move(...at(to), { steps: 120 });
    await page.mouse.up();
  }
  return page.evaluate(() => (window as unknown as { frames: number[] }).frames.slice(5));
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function importLong(service: Service, bars: number): Promise<string> {
  const id = `LONG-${bars}-${Date.now().toString(36)}`;
  const query = `name=long.csv&series_id=${id}&symbol=LONG`;
  await service.call("POST", `/series?${query}`, csvOf(bars, "LONG"), "application/octet-stream");
  return id;
}

/** Load what lies left of the view until this many candles are there, then come close again. */
async function loadAll(annotate: AnnotatePage, bars: number): Promise<void> {
  const loaded = async () => Number(await annotate.chart.getAttribute("data-bars"));
  while ((await loaded()) < bars) {
    const before = await loaded();
    await annotate.press("0");
    await annotate.drag(0.1, 0.8);
    await expect.poll(loaded).toBeGreaterThan(before);
  }
  await annotate.press("End");
  for (let step = 0; step < 25; step++) await annotate.press("+");
  for (let step = 0; step < 40; step++) await annotate.press("PageUp");
}

test("panning over 100,000 candles with 2,000 spans", async ({ annotate, service, page }) => {
  const bars = 100_000;
  const id = await importLong(service, bars);
  const first = Date.UTC(2024, 0, 1);
  const spans = Array.from({ length: 2_000 }, (_, number) => ({
    label: "bullish_harami",
    start_time: new Date(first + number * 50 * 3_600_000).toISOString(),
    end_time: new Date(first + (number * 50 + 1) * 3_600_000).toISOString(),
  }));
  const file = JSON.stringify({ annotations: spans });
  await service.call("POST", `/annotations/import?series_id=${id}&as=human`, file, "application/octet-stream");
  const p95: Record<string, number[]> = { "without spans": [], "with spans": [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, labelSet] of [
      ["without spans", "all-61"],
      ["with spans", "default"],
    ] as const) {
      await page.goto(`/annotate/${id}?label_set=${labelSet}`, { waitUntil: "load" });
      await annotate.ready();
      await annotate.press("m");
      await loadAll(annotate, bars);
      const frames = await framesWhilePanning(page);
      p95[name]?.push(percentile(frames, 0.95));
      say(`${name}: frame p50 ${percentile(frames, 0.5).toFixed(1)} p95 ${percentile(frames, 0.95).toFixed(1)} ms`);
    }
  }
  const [without, withSpans] = Object.values(p95).map((values) => percentile(values, 0.5)) as [number, number];
  say(`panning, p95 frame with 2,000 spans over that without: ${(withSpans / without).toFixed(2)} (at most 1.1)`);
});

test("first candles of a long series", async ({ service, page }) => {
  const ids = { short: await importLong(service, 1_000), long: await importLong(service, 1_000_000) };
  const times: Record<keyof typeof ids, number[]> = { short: [], long: [] };
  for (let round = 0; round < 7; round++) {
    for (const name of ["short", "long"] as const) {
      await page.goto(`/annotate/${ids[name]}`, { waitUntil: "commit" });
      await page.locator("[data-testid=chart][data-ready=true]").waitFor();
      times[name].push(await page.evaluate(() => performance.now()));
    }
  }
  const [short, long] = [percentile(times.short, 0.5), percentile(times.long, 0.5)];
  say(`first candles: 1,000 bars ${short.toFixed(0)} ms, 1,000,000 bars ${long.toFixed(0)} ms`);
  say(`first candles, a million over a thousand: ${(long / short).toFixed(2)} (at most 1.5)`);
});

test("from the key to the painted decision", async ({ annotate, service, page }) => {
  const id = await service.importSeries("PRESS", 1_500);
  await service.labelled(id);
  await page.addInitScript(() => {
    const frames: number[] = [];
    let pressed: number | null = null;
    let before: string | null = null;
    const message = () => document.querySelector("[data-testid=message]")?.textContent ?? null;
    addEventListener(
      "keydown",
      (event) => {
        if (event.key !== "a") return;
        pressed = event.timeStamp;
        before = message();
        let count = 0;
        const tick = () => {
          count += 1;
          if (pressed === null) return;
          if (painted >= pressed && message() !== before) {
            frames.push(count);
            pressed = null;
          } else requestAnimationFrame(tick);
        };
        requestAnimationFrame(tick);
      },
      { capture: true },
    );
    // The lanes are cleared with each paint of the chart.
    let painted = 0;
    const clear = CanvasRenderingContext2D.prototype.clearRect;
    CanvasRenderingContext2D.prototype.clearRect = function (...box) {
      if (this.canvas.dataset.lanes !== undefined) painted = performance.now();
      clear.apply(this, box);
    };
    Object.assign(window, { decisions: frames });
  });
  await annotate.open(id);
  await annotate.press("Home");
  const firstBar = timeOf(0).slice(0, 16).replace("T", " ");
  await expect(page.getByRole("time").filter({ hasText: firstBar }).first()).toBeVisible();
  await expect(annotate.counts).toContainText(/[1-9]\d{2} to decide/);
  await annotate.press("n");
  await expect(annotate.focused).not.toContainText("Nothing.");
  for (let decision = 0; decision < DECISIONS; decision++) {
    await annotate.decide("a");
    await page.waitForFunction(
      (count) => (window as unknown as { decisions: number[] }).decisions.length > count,
      decision,
    );
    await expect(annotate.message).toContainText("confirmed");
  }
  await annotate.saved();
  expect(await service.annotations(id, "&origin=confirmed")).toHaveLength(DECISIONS);
  const frames = await page.evaluate(() => (window as unknown as { decisions: number[] }).decisions);
  say(
    `from the key to the painted decision: p50 ${percentile(frames, 0.5)}, p95 ${percentile(frames, 0.95)} frames (at most 3)`,
  );
});
