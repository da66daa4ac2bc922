import { expect, test } from "./support";

test("the panel filters by label and confidence, and says how many it hides", async ({ annotate, service, page }) => {
  const seriesId = await service.importSeries("PANEL", 800);
  await service.labelled(seriesId);
  await annotate.open(seriesId);
  const panel = page.getByRole("region", { name: "Predictions" });
  const counts = panel.getByText(/^\d+ of \d+ shown$/);
  const total = Number((await counts.textContent())?.split(" ")[2]);
  expect(total).toBeGreaterThan(10);
  for (const box of await panel.getByRole("checkbox").all()) await box.uncheck();
  await expect(counts).toHaveText(`0 of ${total} shown`);
  await panel.getByRole("button", { name: "Clear filters" }).click();
  await expect(counts).toHaveText(`${total} of ${total} shown`);
  await annotate.press("/");
  await expect(panel.getByRole("textbox", { name: "Least confidence" })).toBeFocused();
  await page.keyboard.type("0.9");
  await annotate.press("Escape");
  await expect(annotate.chart).toBeFocused();
  await expect(panel.getByRole("slider")).toHaveValue("0.9");
  await expect(counts).not.toHaveText(`${total} of ${total} shown`);
  await panel.getByRole("slider").press("Home");
  await expect(counts).toHaveText(`${total} of ${total} shown`);
  await expect(panel.getByRole("img", { name: /Reliability of All labels/ })).toBeVisible();
  await panel.getByRole("button", { name: /Predictions on/ }).click();
  await expect(page.getByText("model hidden (M)")).toBeVisible();
});

test("a range is predicted now on a series that was never scored", async ({ annotate, service, page }) => {
  const seriesId = await service.importSeries("NOW", 400);
  await annotate.open(seriesId);
  const panel = page.getByRole("region", { name: "Predictions" });
  await panel.getByRole("button", { name: "Predict this range now" }).click();
  await expect(panel.getByText(/\d+ predictions? made now by [0-9a-f]{12}, not stored/)).toBeVisible();
  await expect(panel.getByText(/^\d+ of \d+ shown$/)).toBeVisible();
  await panel.getByRole("button", { name: "Forget" }).click();
  await expect(panel.getByText(/made now by/)).toHaveCount(0);
});

test("all series are scored from the page, followed to the end, and the result is a file", async ({
  annotate,
  service,
  page,
}) => {
  const seriesId = await service.importSeries("BATCH", 500);
  await annotate.open(seriesId);
  const panel = page.getByRole("region", { name: "Predictions", exact: true });
  await panel.getByRole("button", { name: "Score all series" }).click();
  await expect(panel.getByText(/predictions in \d+ series/)).toBeVisible();
  const waiting = page.waitForEvent("download");
  await panel.getByRole("link", { name: "Download the result" }).click();
  expect((await waiting).suggestedFilename()).toMatch(/\.ndjson$/);
  await expect(panel.getByText(/^[1-9]\d* of \d+ shown$/)).toBeVisible();
});
