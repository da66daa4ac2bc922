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
