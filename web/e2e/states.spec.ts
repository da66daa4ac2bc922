import { expect, startWeb, test, Wire } from "./support";

test("while a series is on its way its place is kept, and said to be loading", async ({ annotate, service, page }) => {
  const id = await service.importSeries("LOADING");
  const held: (() => void)[] = [];
  let holds = true;
  const hold = (path: RegExp) =>
    page.route(path, async (route) => {
      if (holds) await new Promise<void>((release) => held.push(release));
      await route.continue();
    });
  await hold(new RegExp(`/api/series/${id}\\?`));
  await hold(new RegExp(`/api/series/${id}/candles`));
  await page.goto(`/annotate/${id}`, { waitUntil: "load" });
  await expect(page.getByRole("main", { name: "Loading the series" })).toHaveAttribute("aria-busy", "true");
  await expect.poll(() => held.length).toBe(1);
  held[0]?.();
  await expect(page.getByRole("status").filter({ hasText: "Loading candles" })).toBeVisible();
  holds = false;
  for (const release of held) release();
  await annotate.ready();
  await expect(page.getByText("Loading candles")).toHaveCount(0);
});

test("where nothing is marked the page says how to begin", async ({ annotate, service, page }) => {
  const labelSet = await service.freeLabelSet();
  const id = await service.importSeries("NOTHING");
  await annotate.open(id, { labelSet });
  await expect(page.getByText("No model yet", { exact: true })).toBeVisible();
  await expect(annotate.counts).toContainText("no predictions for this series yet");
  await annotate.spans();
  await expect(page.getByText("Nothing is marked around here yet.")).toBeVisible();
  await expect(page.getByRole("region", { name: "Lists" }).getByRole("link", { name: "Series" })).toBeVisible();
  await annotate.press("n");
  await expect(annotate.message).toContainText("Nothing more to decide");
  await annotate.chart.focus();
  await annotate.press("End", "1");
  await expect(page.getByText("Nothing is marked around here yet.")).toHaveCount(0);
});

test("without a network marks are kept, counted down to the next try, and sent when it is back", async ({
  annotate,
  service,
  page,
}) => {
  const id = await service.importSeries("OFFLINE");
  await annotate.open(id);
  await page.context().setOffline(true);
  await annotate.press("End", "3");
  await expect(annotate.save).toContainText("1 unsaved, kept here");
  await expect(annotate.save).toContainText(/next try in \d+ s/);
  expect(await service.annotations(id)).toEqual([]);
  await page.context().setOffline(false);
  await annotate.saved();
  expect(await service.annotations(id)).toMatchObject([{ label: "shooting_star" }]);
});

test("while the service is away its last predictions stay, faint and dated, and are renewed when it is back", async ({
  annotate,
  service,
  page,
}) => {
  const id = await service.importSeries("DATED");
  await service.quiet();
  await service.labelled(id);
  const wire = new Wire();
  await wire.up();
  const web = await startWeb(`http://127.0.0.1:${wire.port}`);
  try {
    await annotate.open(id, { base: web.url });
    const drawn = async () => (await annotate.lane("model")).picture;
    await expect.poll(async () => (await annotate.lane("model")).ink).toBeGreaterThan(0);
    const before = await drawn();
    await wire.down();
    const panel = page.getByRole("region", { name: "Predictions" });
    await expect(panel.getByText("The service is away")).toBeVisible();
    await expect(panel.getByText(/Shown are those from \d\d:\d\d, version [0-9a-f]{12}/)).toBeVisible();
    await expect(page.getByRole("banner").getByText(/next try in \d s|trying now/)).toBeVisible();
    await expect.poll(drawn).not.toBe(before);
    await wire.up();
    await expect(panel.getByText("The service is away")).toHaveCount(0);
    await expect.poll(drawn).toBe(before);
  } finally {
    await web.stop();
    await wire.down();
  }
});

test("an address that no page has says so", async ({ page }) => {
  await page.goto("/nowhere", { waitUntil: "load" });
  await expect(page.getByText("There is no such page")).toBeVisible();
  await page.getByRole("main").getByRole("link", { name: "the list of series" }).click();
  await expect(page.getByRole("heading", { name: "Series" })).toBeVisible();
});
