import { join } from "node:path";

import type { Page } from "@playwright/test";

import type { Service } from "./service";
import { AnnotatePage, expect, test } from "./support";

const IMAGES = join(import.meta.dirname, "..", "..", "docs", "images");
const SERIES = "GOOG-1d";

async function take(page: Page, name: string): Promise<void> {
  // No pointer in the picture, and nothing that still moves.
  await page.mouse.move(0, 0);
  await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
  await page.screenshot({ path: join(IMAGES, `${name}.png`), animations: "disabled" });
}

const inTheme = (page: Page, theme: string) =>
  page.addInitScript((name) => localStorage.setItem("candleloop.theme", name), theme);

/** Wait until the stored predictions are those of the model that serves. */
async function predicted(service: Service): Promise<void> {
  type Stored = { model_version: string | null; stale: boolean };
  const isCurrent = async () => {
    const { model_version, stale } = await service.get<Stored>(`/series/${SERIES}/predictions?limit=1`);
    return model_version !== null && !stale;
  };
  await expect.poll(isCurrent).toBe(true);
}

test("somebody decides on what the model and TA-Lib say, and another model is trained", async ({
  annotate,
  page,
  service,
}) => {
  await predicted(service);
  await inTheme(page, "light");
  await page.goto(`/annotate/${SERIES}?at=2010-02-01`, { waitUntil: "load" });
  await annotate.ready();
  await annotate.press("n");
  for (const keys of [["a"], ["a"], ["e", "ArrowRight", "Enter"], ["a"], ["x", "2"], ["a"], ["a"], ["a"]]) {
    await annotate.decide(keys[0] as string);
    await annotate.press(...keys.slice(1));
    await expect(annotate.message).toContainText(/confirmed|corrected|dismissed/);
  }
  await annotate.press("r");
  await annotate.saved();
  await annotate.press("n");
  await expect(annotate.focused).not.toContainText("Nothing.");
  await take(page, "annotate-light");
  const { job } = await service.call<{ job: { id: string } }>("POST", "/train", {});
  await expect
    .poll(async () => (await service.get<{ status: string }>(`/jobs/${job.id}`)).status, { timeout: 400_000 })
    .toBe("succeeded");
  await service.quiet();
  await predicted(service);
});

test("a disagreement, in the dark", async ({ annotate, page }) => {
  await inTheme(page, "dark");
  await page.goto(`/annotate/${SERIES}?at=2010-02-01`, { waitUntil: "load" });
  await annotate.ready();
  await annotate.press("g");
  await expect(annotate.focused).toContainText(/swap|unsupported|overlooked|badloc/);
  await take(page, "annotate-dark");
});

test("from afar", async ({ annotate, page }) => {
  await inTheme(page, "light");
  await annotate.open(SERIES);
  await annotate.press("0");
  await (await annotate.spans()).getByRole("row").nth(1).waitFor();
  await take(page, "annotate-far");
});

test("on a phone", async ({ browser }) => {
  const context = await browser.newContext({
    baseURL: process.env.E2E_WEB,
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    hasTouch: true,
    isMobile: true,
  });
  const page = await context.newPage();
  await inTheme(page, "light");
  const annotate = new AnnotatePage(page);
  await page.goto(`/annotate/${SERIES}?at=2010-02-01`, { waitUntil: "load" });
  await annotate.ready();
  await annotate.press("n");
  await take(page, "annotate-narrow");
  await context.close();
});

test("the queue", async ({ page }) => {
  await inTheme(page, "dark");
  await page.goto("/label-next", { waitUntil: "load" });
  await page.locator("[data-testid=bench][data-ready=true]").waitFor();
  await expect(page.getByTestId("focused")).not.toContainText("Nothing.");
  await take(page, "label-next-dark");
});

test("the models", async ({ page }) => {
  await inTheme(page, "light");
  await page.goto("/models", { waitUntil: "load" });
  await expect(page.getByRole("listitem").filter({ hasText: "macro-F1" })).toHaveCount(2);
  await expect(page.getByRole("link", { name: "MLflow" }).first()).toBeVisible();
  await take(page, "models-light");
});
