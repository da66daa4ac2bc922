import { axe } from "./axe";
import { expect, startWeb, test, Wire } from "./support";

test("edits made while the service is away are kept through a reload and sent when it is back", async ({
  annotate,
  service,
  page,
}) => {
  const id = await service.importSeries("AWAY");
  const wire = new Wire();
  await wire.up();
  const web = await startWeb(`http://127.0.0.1:${wire.port}`);
  try {
    await annotate.open(id, { base: web.url });
    await annotate.press("End", "ArrowLeft", "ArrowLeft", "ArrowLeft");
    await wire.down();
    await annotate.press("1");
    await expect(annotate.save).toContainText("1 unsaved, kept here: the service is away");
    await expect(page.getByRole("status").filter({ hasText: "service away" })).toBeVisible();
    await expect(annotate.save).toContainText(/next try in \d+ s/);
    await annotate.press("PageUp", "3");
    await expect(annotate.save).toContainText("2 unsaved");
    expect(await service.annotations(id)).toEqual([]);

    await page.reload();
    await expect(page.getByText("The candleloop service does not answer").first()).toBeVisible();
    await wire.up();
    // The page finds out by itself.
    await annotate.ready();
    await expect.poll(async () => (await service.annotations(id)).length).toBe(2);
    await annotate.saved();
  } finally {
    await web.stop();
    await wire.down();
  }
});

test("each page that is opened while the service is away says so, and begins by itself when it is back", async ({
  service,
  browser,
}) => {
  const id = await service.importSeries("LATER");
  const { items } = await service.get<{ items: { id: string }[] }>("/jobs?limit=1");
  const wire = new Wire();
  await wire.up();
  const web = await startWeb(`http://127.0.0.1:${wire.port}`);
  // The narrowest screen and the dark theme: nothing that is said then may stick out or be hard to read.
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, colorScheme: "dark" });
  const page = await context.newPage();
  try {
    for (const [path, begun] of [
      ["/series", page.getByText("LATER").first()],
      [`/annotate/${id}`, page.locator("[data-testid=workbench][data-ready=true]")],
      ["/annotate", page.locator("[data-testid=workbench][data-ready=true]")],
      ["/label-next", page.locator("[data-testid=bench][data-ready=true]")],
      ["/jobs", page.getByRole("main").getByRole("list")],
      [`/jobs/${items[0]?.id}`, page.getByText("Asked for by")],
      ["/models", page.getByRole("main").getByRole("list").first()],
    ] as const) {
      await wire.down();
      await page.goto(`${web.url}${path}`, { waitUntil: "load" });
      const said = page.getByRole("main").getByText("The candleloop service does not answer");
      await expect(said, path).toBeVisible();
      await expect(said, path).toContainText("asked again by itself");
      expect(await axe(page), path).toEqual([]);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wider, path).toBeLessThanOrEqual(0);
      await wire.up();
      await expect(begun, path).toBeVisible();
      await expect(said, path).toHaveCount(0);
    }
  } finally {
    await context.close();
    await web.stop();
    await wire.down();
  }
});
