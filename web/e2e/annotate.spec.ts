import type { Row } from "./service";
import { AnnotatePage, expect, test } from "./support";

const HOUR = 3_600_000;

test("a span is drawn, renamed, undone, redone and still there after a reload", async ({ annotate, service, page }) => {
  const id = await service.importSeries("DRAW");
  await annotate.open(id);
  await annotate.press("d");
  await annotate.drag(0.3, 0.34);
  await expect(annotate.message).toHaveText("A digit names these bars");
  await annotate.press("1");
  await expect(annotate.message).toHaveText("Morning star marked");
  await annotate.saved();
  expect(await service.annotations(id)).toMatchObject([{ label: "morning_star", origin: "human" }]);

  await annotate.press("2");
  await annotate.saved();
  expect(await service.annotations(id)).toMatchObject([{ label: "evening_star", revision: 2 }]);
  await annotate.press("Control+z");
  await annotate.saved();
  expect(await service.annotations(id)).toMatchObject([{ label: "morning_star" }]);
  await annotate.press("Control+z");
  await annotate.saved();
  expect(await service.annotations(id)).toEqual([]);
  await annotate.press("Control+Shift+z", "Control+Shift+z");
  await annotate.saved();
  expect(await service.annotations(id)).toMatchObject([{ label: "evening_star" }]);

  await page.reload();
  await annotate.ready();
  const table = await annotate.spans();
  await expect(table.getByRole("row").filter({ hasText: /EST.*you/ })).toHaveCount(1);
});

test("two clicks draw what a drag draws, and the chart stands still meanwhile", async ({ annotate, service, page }) => {
  const id = await service.importSeries("CLICKS");
  await annotate.open(id);
  await annotate.press("d");
  const at = await annotate.places();
  await page.mouse.click(...at(0.4));
  await page.mouse.move(...at(0.42));
  await page.mouse.click(...at(0.44));
  await annotate.press("5");
  await annotate.saved();
  const [row] = await service.annotations(id);
  expect(row).toMatchObject({ label: "bullish_harami" });
  // The label has two bars, whatever was drawn.
  expect(Date.parse(row?.end_time ?? "") - Date.parse(row?.start_time ?? "")).toBe(HOUR);
  // The same place again is the same span: nothing has moved.
  await annotate.press("Escape", "Escape", "d");
  await annotate.drag(0.4, 0.44);
  await annotate.press("5");
  await expect(annotate.message).toHaveText("Bullish harami is marked there already");
});

test("the keyboard alone marks bars, moves them and deletes them", async ({ annotate, service }) => {
  const id = await service.importSeries("KEYS");
  await annotate.open(id);
  await annotate.press("End", "ArrowLeft", "ArrowLeft", "ArrowLeft", "Shift+ArrowLeft", "7");
  await annotate.saved();
  const [before] = await service.annotations(id);
  expect(before).toMatchObject({ label: "bullish_engulfing" });
  await annotate.press("]", "ArrowLeft", "ArrowLeft");
  await annotate.saved();
  const [after] = await service.annotations(id);
  expect(Date.parse(before?.end_time ?? "") - Date.parse(after?.end_time ?? "")).toBe(2 * HOUR);
  await annotate.press("Delete");
  await annotate.saved();
  expect(await service.annotations(id)).toEqual([]);
});

test("an edge is dragged to another bar", async ({ annotate, service, page }) => {
  const labelSet = await service.freeLabelSet();
  const id = await service.importSeries("EDGES");
  await annotate.open(id, { labelSet });
  await annotate.press("d");
  await annotate.drag(0.3, 0.4);
  await annotate.press("1");
  await annotate.saved();
  const place = async () => {
    const [row] = await service.annotations(id, `&label_set=${labelSet}`);
    return { start: Date.parse(row?.start_time ?? ""), end: Date.parse(row?.end_time ?? "") };
  };
  const before = await place();
  expect(before.end).toBeGreaterThan(before.start + 3 * HOUR);
  await annotate.press("]", "ArrowRight", "ArrowRight");
  await annotate.saved();
  expect(await place()).toEqual({ start: before.start, end: before.end + 2 * HOUR });
  await annotate.press("Shift+ArrowRight", "Shift+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowRight");
  await annotate.press("[", "Shift+ArrowLeft");
  await annotate.saved();
  expect(await place()).toEqual({ start: before.start - 5 * HOUR, end: before.end + 2 * HOUR });
  await annotate.press("Shift+ArrowRight");
  await annotate.saved();
  // Where the right edge is by now: bars are as far apart as the drag says.
  await annotate.press("Escape");
  const at = await annotate.places();
  const perBar = 0.1 / ((before.end - before.start) / HOUR);
  await page.mouse.move(...at(0.4 + 2.5 * perBar));
  await page.mouse.down();
  await page.mouse.move(...at(0.5), { steps: 4 });
  await page.mouse.up();
  await annotate.saved();
  await expect.poll(async () => (await place()).end).toBeGreaterThan(before.end + 3 * HOUR);
  expect((await place()).start).toBe(before.start);
});

test("bars are reviewed up to the cursor", async ({ annotate, service }) => {
  const id = await service.importSeries("REVIEWED");
  const ranges = async () => (await service.get<{ items: unknown[] }>(`/series/${id}/reviewed`)).items;
  await annotate.open(id);
  await annotate.press("End", "ArrowLeft", "r");
  await expect(annotate.message).toContainText("bars reviewed");
  await annotate.saved();
  expect(await ranges()).toHaveLength(1);
  await annotate.press("Control+z");
  await annotate.saved();
  expect(await ranges()).toEqual([]);
});

test("two people edit one series: what is new appears, what collides is shown and not overwritten", async ({
  annotate,
  service,
  browser,
}) => {
  const id = await service.importSeries("SHARED");
  await annotate.open(id);
  await annotate.press("End", "ArrowLeft", "ArrowLeft", "3");
  await annotate.saved();

  const other = await browser.newPage();
  const theirs = new AnnotatePage(other);
  await theirs.open(id);
  const row = (await theirs.spans()).getByRole("row").filter({ hasText: /SST.*you/ });
  await expect(row).toHaveCount(1);
  await row.click();
  await other.getByRole("heading", { name: "Chosen" }).click();

  // The other page hears of nothing, while the span is renamed here.
  await other.route(/\/annotations\?/, (route) => route.abort());
  await annotate.press("4");
  await annotate.saved();
  await theirs.press("]", "ArrowLeft");
  const conflict = other.getByRole("alert").filter({ hasText: "Somebody else was here" });
  await expect(conflict).toContainText("Inverted hammer");
  const stored = async () => (await service.annotations(id)) as Row[];
  expect(await stored()).toMatchObject([{ label: "inverted_hammer", revision: 2 }]);

  await conflict.getByRole("button", { name: "Keep mine" }).click();
  await expect(conflict).toHaveCount(0);
  await theirs.saved();
  await expect.poll(stored).toMatchObject([{ label: "shooting_star", revision: 3 }]);
  await other.close();
});

test("an address with a time opens there", async ({ annotate, service, page }) => {
  const id = await service.importSeries("THERE", 9_000);
  await page.goto(`/annotate/${id}?at=2024-06-01`, { waitUntil: "load" });
  await annotate.ready();
  // Without a cursor the first arrow begins in the middle of what is in view.
  await annotate.press("ArrowRight");
  await expect(page.getByRole("main").getByText("2024-06-01 00:00", { exact: true })).toBeVisible();
});

test("a long series is loaded page by page as one drags into its past", async ({ annotate, service }) => {
  const id = await service.importSeries("PAGES", 9_000);
  await annotate.open(id);
  const loaded = async () => Number(await annotate.chart.getAttribute("data-bars"));
  expect(await loaded()).toBeLessThan(9_000);
  for (let page = 0; page < 5 && (await loaded()) < 9_000; page++) {
    const before = await loaded();
    await annotate.press("0");
    await annotate.drag(0.1, 0.8);
    await expect.poll(loaded).toBeGreaterThan(before);
  }
  expect(await loaded()).toBe(9_000);
});
