import type { Page } from "@playwright/test";

import { axe } from "./axe";
import { expect, test } from "./support";

const PATHS = ["/series", "/jobs", "/models"];

for (const theme of ["light", "dark", "contrast"]) {
  test(`axe finds nothing on the pages around the chart in the ${theme} theme`, async ({ page, service }) => {
    const seriesId = await service.importSeries("AXE-PAGES");
    await page.addInitScript((name) => localStorage.setItem("candleloop.theme", name), theme);
    for (const path of PATHS) {
      await page.goto(`${process.env.E2E_WEB}${path}`, { waitUntil: "load" });
      await expect(page.getByRole("main").getByRole("list").or(page.getByRole("table")).first()).toBeVisible();
      expect(await axe(page), path).toEqual([]);
    }
    await page.goto(`${process.env.E2E_WEB}/series`, { waitUntil: "load" });
    await page.getByRole("button", { name: "Options" }).click();
    await page.getByRole("button", { name: `More about ${seriesId}` }).click();
    await expect(page.getByText("The latest import")).toBeVisible();
    await expect(
      page.getByText("Nothing was wrong with it.").or(page.getByRole("columnheader", { name: "Then" })),
    ).toBeVisible();
    expect(await axe(page), "an opened series").toEqual([]);
    await page.getByRole("button", { name: "Import annotations" }).click();
    expect(await axe(page), "the import of annotations").toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "New label set" }).click();
    await page.getByRole("button", { name: "Make the label set" }).click();
    expect(await axe(page), "a new label set with problems").toEqual([]);
    const { items } = await service.get<{ items: { id: string }[] }>("/jobs?limit=1");
    await page.goto(`${process.env.E2E_WEB}/jobs/${items[0]?.id}`, { waitUntil: "load" });
    await expect(page.getByText("Asked for by")).toBeVisible();
    expect(await axe(page), "a job").toEqual([]);
  });
}

test("no page is wider than a narrow screen", async ({ annotate, service, page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await annotate.open(await service.importSeries("NARROW"));
  await expectNarrow(page, "annotate");
  await page.goto(`${process.env.E2E_WEB}/label-next`, { waitUntil: "load" });
  await expect(page.getByTestId("bench")).toHaveAttribute("data-ready", "true");
  await expectNarrow(page, "label next");
  for (const path of PATHS) {
    await page.goto(`${process.env.E2E_WEB}${path}`, { waitUntil: "load" });
    await expect(page.getByRole("main").getByRole("list").or(page.getByRole("table")).first()).toBeVisible();
    await expectNarrow(page, path);
  }
});

async function expectNarrow(page: Page, name: string): Promise<void> {
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(wider, name).toBeLessThanOrEqual(0);
  const main = await page.getByRole("main").evaluate((one) => one.scrollWidth - one.clientWidth);
  expect(main, name).toBeLessThanOrEqual(0);
}
