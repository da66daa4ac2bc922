import { timeOf } from "./service";
import { expect, test } from "./support";

test("what was reviewed, and for which labels, is named over the chart, in the table and at the cursor", async ({
  annotate,
  service,
  page,
}) => {
  const id = await service.importSeries("COVER");
  const ranges = () => service.get<{ items: unknown[] }>(`/series/${id}/reviewed`);
  const review = (first: number, last: number, labels?: string[]) =>
    service.call("POST", `/series/${id}/reviewed`, { start_time: timeOf(first), end_time: timeOf(last), labels });
  await review(500, 519);
  await review(540, 549, ["morning_star", "evening_star"]);
  await annotate.open(id);
  const legend = page.getByRole("list", { name: "Shades of the chart" }).getByRole("listitem");
  await expect(legend).toHaveText(["reviewed", "for some labels", "test bars"]);

  const table = await annotate.spans();
  const row = (label: string) => table.getByRole("row").filter({ hasText: label });
  await expect(row("all labels")).toContainText("reviewed");
  await page.getByText("Reviewed: 20 of 600 bars around here").click();
  const byLabel = page.getByRole("table", { name: "Reviewed bars of each label" }).getByRole("row");
  await expect(byLabel.filter({ hasText: "EST" })).toContainText("30");
  await expect(byLabel.filter({ hasText: "SST" })).toContainText("20");

  await row("2 labels").press("Enter");
  await expect(page.getByText("reviewed for 2 of 8 labels")).toBeVisible();
  await row("all labels")
    .getByRole("button", { name: /^Not reviewed/ })
    .click();
  await expect(row("all labels")).toHaveCount(0);
  await annotate.saved();
  expect((await ranges()).items).toHaveLength(1);
  await annotate.press("Control+z");
  await expect(row("all labels")).toHaveCount(1);
  await annotate.saved();
  expect((await ranges()).items).toHaveLength(2);
});

test("Ctrl+Enter makes what is in view reviewed and shows what comes after, and warns of what is not decided", async ({
  annotate,
  service,
}) => {
  const labelSet = await service.freeLabelSet();
  const id = await service.importSeries("VIEW");
  type Ranges = { items: { start_time: string; end_time: string }[] };
  const ranges = async () => (await service.get<Ranges>(`/series/${id}/reviewed?label_set=${labelSet}`)).items;
  await annotate.open(id, { labelSet });
  await annotate.press("Home");
  await expect(annotate.page.getByRole("time")).toHaveText("2024-01-01 00:00");
  await annotate.press("Control+Enter");
  await expect(annotate.message).toContainText("bars reviewed");
  await annotate.saved();
  const [first] = await ranges();
  expect(first?.start_time).toBe(timeOf(0).replace(".000Z", "Z"));
  await annotate.press("Control+Enter");
  await annotate.saved();
  const [, second] = await ranges();
  // The next view begins with the bar after the last.
  expect(Date.parse(second?.start_time ?? "")).toBe(Date.parse(first?.end_time ?? "") + 3_600_000);

  await service.foundWedges(id, labelSet, [590]);
  await annotate.open(id, { labelSet });
  await annotate.press("Control+Enter");
  await expect(annotate.message).toContainText("One thing is not decided and would become background");
  expect(await ranges()).toHaveLength(2);
  await annotate.press("Control+Enter");
  await expect(annotate.message).toContainText("these were the last");
  await annotate.saved();
  expect(await ranges()).toHaveLength(3);
});
