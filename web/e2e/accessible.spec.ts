import { axe } from "./axe";
import { expect, test } from "./support";

for (const theme of ["light", "dark", "contrast"]) {
  test(`axe finds nothing on the annotate page in the ${theme} theme`, async ({ annotate, service, page }) => {
    const id = await service.importSeries(`AXE-${theme}`);
    await service.labelled(id);
    await page.addInitScript((name) => localStorage.setItem("candleloop.theme", name), theme);
    await annotate.open(id);
    await annotate.press("n");
    expect(await axe(page)).toEqual([]);
    await annotate.spans();
    expect(await axe(page)).toEqual([]);
  });
}

test("the table has every span of the chart, sorted as asked, and Enter goes to one", async ({ annotate, service }) => {
  const id = await service.importSeries("TABLE");
  await annotate.open(id);
  await annotate.press("End", "ArrowLeft", "3", "PageUp", "8");
  await annotate.saved();
  const table = await annotate.spans();
  const rows = table.getByRole("row").filter({ hasText: "you" });
  await expect(rows).toHaveCount(2);
  await table.getByRole("button", { name: "Label" }).click();
  await expect(rows.first()).toContainText("SEN");
  await rows.last().focus();
  await rows.last().press("Enter");
  await expect(annotate.focused).toContainText("Shooting star");
});
