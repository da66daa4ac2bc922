import { expect, test } from "./support";

test("the model's spans tell their probabilities and version, and go away by M and while B is held", async ({
  annotate,
  service,
  page,
}) => {
  const id = await service.importSeries("LAYER");
  await service.labelled(id);
  await annotate.open(id);
  await expect.poll(async () => (await annotate.lane("model")).ink).toBeGreaterThan(0);
  const before = await annotate.lane("model");
  await page.mouse.move(...before.at);
  const card = page.getByRole("tooltip");
  await expect(card).toContainText(/model [0-9a-f]{12}/);
  await expect(card.getByRole("term").filter({ hasText: "Background" })).toBeVisible();
  await expect(card.getByRole("definition").first()).toHaveText(/^\d+\.\d$/);
  await page.mouse.move(1, 1);
  await expect(card).toHaveCount(0);

  const marks = (await annotate.lane("TA-Lib")).picture;
  const ink = async () => (await annotate.lane("model")).ink;
  await page.keyboard.down("b");
  await expect.poll(ink).toBe(0);
  expect((await annotate.lane("TA-Lib")).picture).toBe(marks);
  await page.keyboard.up("b");
  await expect.poll(async () => (await annotate.lane("model")).picture).toBe(before.picture);
  await annotate.press("m");
  await expect.poll(ink).toBe(0);
  const fromModel = (await annotate.spans()).getByRole("row").filter({ hasText: "model" });
  await expect(fromModel).toHaveCount(0);
  await annotate.press("m");
  await expect(fromModel.first()).toBeVisible();
  await expect.poll(async () => (await annotate.lane("model")).picture).toBe(before.picture);
});

test("what is provisional and what is stale look different, and say so", async ({ annotate, service, page }) => {
  const id = await service.importSeries("STATES");
  await service.labelled(id);
  // A model whose labels have a fixed length proposes nothing provisional, and stale ones are made again at once.
  let state = "";
  await page.route(/\/series\/[^/]+\/predictions\?/, async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    const items = answer.items.map((one: object) => (state ? { ...one, [state]: true } : one));
    await route.fulfill({ response, json: { ...answer, items } });
  });
  const pictures = new Set<string>();
  for (state of ["", "provisional", "stale"]) {
    await annotate.open(id);
    await expect.poll(async () => (await annotate.lane("model")).ink).toBeGreaterThan(0);
    const { at, picture } = await annotate.lane("model");
    pictures.add(picture);
    await page.mouse.move(...at);
    await expect(page.getByRole("tooltip")).toContainText(/model [0-9a-f]{12}/);
    if (state) {
      await expect(page.getByRole("tooltip")).toContainText(state);
      const rows = (await annotate.spans()).getByRole("row").filter({ hasText: "model" });
      await expect(rows.filter({ hasText: state }).first()).toBeVisible();
    }
  }
  expect(pictures.size).toBe(3);
});
