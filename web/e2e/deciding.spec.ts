import { timeOf } from "./service";
import { AnnotatePage, expect, painted, test } from "./support";

type Jobs = { items: { result: { version: string; promoted: boolean } }[] };

test("what the model and TA-Lib say is confirmed, corrected and dismissed, a training takes it up, and the new model is told of", async ({
  annotate,
  service,
  page,
}) => {
  await service.quiet();
  const id = await service.importSeries("DECIDE");
  await service.labelled(id);
  const trainings = async () => (await service.get<Jobs>("/jobs?kind=train&status=succeeded&limit=1000")).items;
  const trained = async () => (await trainings()).length;
  const origins = async () => new Set((await service.annotations(id)).map((one) => one.origin));
  const before = await trained();
  await annotate.open(id);
  await annotate.first();

  await annotate.decide("a");
  await expect(annotate.message).toContainText("confirmed");
  await annotate.decide("e");
  await annotate.press("ArrowLeft", "Enter");
  await expect(annotate.message).toContainText("corrected");
  await annotate.next("by TA-Lib");
  await annotate.decide("x");
  await expect(annotate.message).toHaveText("Dismiss: why?");
  await annotate.press("2");
  await expect(annotate.message).toContainText("dismissed");
  await annotate.saved();
  expect(await origins()).toEqual(new Set(["confirmed", "corrected", "talib"]));
  const left = (await service.annotations(id)).length;
  await annotate.press("u");
  await expect(annotate.message).toContainText("is open again");
  await annotate.saved();
  // What was dismissed as TA-Lib's comes back.
  expect((await service.annotations(id)).length).toBe(left + 1);
  await expect.poll(trained, { timeout: 90_000 }).toBeGreaterThan(before);
  const [{ result }] = (await trainings()) as [Jobs["items"][number]];
  if (!result.promoted) {
    const reason = "To see what the page says";
    await service.call("POST", `/models/${result.version}/promote`, { override: true, reason });
  }
  const notice = page.getByTestId("model-notice");
  await expect(notice).toContainText(/Model [0-9a-f]{12} is live: macro-F1 [\d.]+ before, [\d.]+ now/);
  await notice.getByRole("button", { name: "Good" }).click();
  await expect(notice).toHaveCount(0);
});

test("ten decisions by keyboard alone are stored as ten", async ({ annotate, service }) => {
  const id = await service.importSeries("TEN", 900);
  await service.quiet();
  await service.labelled(id);
  await annotate.open(id);
  await annotate.first();
  let left = Number.POSITIVE_INFINITY;
  for (let done = 1; done <= 10; done++) {
    await annotate.decide("a");
    // Each decision is answered with what is left, one less than before.
    await expect(annotate.message).toContainText(/confirmed, \d+ left/);
    const count = async () => Number(/(\d+) left/.exec((await annotate.message.textContent()) ?? "")?.[1]);
    await expect.poll(count).toBeLessThan(left);
    left = await count();
  }
  await annotate.saved();
  expect(await service.annotations(id, "&origin=confirmed")).toHaveLength(10);
});

test("a key that is held down decides once", async ({ annotate, service, page }) => {
  const id = await service.importSeries("HELD");
  await service.labelled(id);
  await annotate.open(id);
  await annotate.first();
  await painted(page);
  for (let pressed = 0; pressed < 5; pressed++) await page.keyboard.down("a");
  await page.keyboard.up("a");
  await expect(annotate.message).toContainText("confirmed");
  await annotate.saved();
  expect(await service.annotations(id, "&origin=confirmed")).toHaveLength(1);
});

test("keys that are typed into a field decide nothing", async ({ annotate, service, page }) => {
  const id = await service.importSeries("FIELDS");
  await service.labelled(id);
  await annotate.open(id);
  await annotate.first();
  await page.getByLabel("Go to a time (UTC)").focus();
  await annotate.press("a", "x", "1");
  await expect(page.getByLabel("Go to a time (UTC)")).toHaveValue("ax1");
  expect(await service.annotations(id, "&origin=confirmed")).toEqual([]);
});

test("F flags what one cannot tell with a note: it changes nothing, stays open, and is read by who comes next", async ({
  annotate,
  service,
  page,
  browser,
}) => {
  const id = await service.importSeries("UNSURE");
  await service.labelled(id);
  await annotate.open(id);
  await (await annotate.spans())
    .getByRole("row")
    .filter({ hasText: /model.*open/ })
    .first()
    .press("Enter");
  const before = await service.annotations(id);
  const sent = page.waitForResponse(/\/api\/feedback$/);
  const chosen = (await annotate.focused.textContent()) ?? "";
  const note = page.getByRole("textbox", { name: /What you cannot tell/ });
  await annotate.decide("f");
  await expect(note).toBeFocused();
  await annotate.press("Escape");
  await expect(note).toHaveCount(0);
  await annotate.press("f");
  await expect(note).toBeFocused();
  // What is typed is the note, letters that are keys elsewhere included.
  await page.keyboard.type("a hammer or an x?");
  await annotate.press("Enter");
  await expect(annotate.message).toContainText("flagged as unsure");
  const answer = await sent;
  expect(answer.request().postDataJSON().events).toMatchObject([
    { verb: "dismiss", reason: "unsure", note: "a hammer or an x?" },
  ]);
  expect((await answer.json()).results).toMatchObject([{ status: "accepted" }]);
  expect(await service.annotations(id)).toEqual(before);
  type Stored = { items: { decided: string | null }[] };
  const { items } = await service.get<Stored>(`/series/${id}/predictions?limit=1000`);
  expect(items.filter((one) => one.decided !== null)).toEqual([]);

  const other = new AnnotatePage(await (await browser.newContext()).newPage());
  await other.open(id);
  await (await other.spans())
    .getByRole("row")
    .filter({ hasText: /model.*open/ })
    .first()
    .press("Enter");
  await expect(other.focused).toContainText(chosen.slice(0, 20));
  await expect(other.focused).toContainText("a hammer or an x?");
  await other.page.context().close();
  await annotate.press("u");
  await expect(annotate.message).toContainText("is open again");
});

test("M hides the model, and the sheet of shortcuts opens and keeps keys to itself", async ({
  annotate,
  service,
  page,
}) => {
  const id = await service.importSeries("SHEET");
  await annotate.open(id);
  await annotate.press("m");
  await expect(page.getByText("model hidden (M)")).toBeVisible();
  await annotate.press("?");
  await expect(page.getByRole("dialog", { name: "Shortcuts" })).toBeVisible();
  await annotate.press("m");
  await annotate.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByText("model hidden (M)")).toBeVisible();
  await annotate.press("m");
  await expect(page.getByText("model hidden (M)")).toHaveCount(0);
});

test("N goes to what is left to decide far outside of what is loaded, back with P, and says when there is none", async ({
  annotate,
  service,
}) => {
  // Labels that no model knows, so that nothing but these two marks is to be decided.
  const labelSet = await service.freeLabelSet();
  const id = await service.importSeries("FAR", 24_000);
  await service.foundWedges(id, labelSet, [100, 12_000]);
  await annotate.open(id, { labelSet });
  await annotate.press("p");
  await expect(annotate.focused).toContainText("Wedge by TA-Lib");
  await expect(annotate.focused).toContainText(timeOf(12_000).slice(0, 10));
  await annotate.press("p");
  await expect(annotate.focused).toContainText("2024-01-05");
  await annotate.ready();
  await annotate.press("p");
  await expect(annotate.message).toHaveText("Nothing more to decide back to the first bar");
  await annotate.decide("a");
  await expect(annotate.message).toContainText("Wedge confirmed");
  await expect(annotate.focused).toContainText(timeOf(12_000).slice(0, 10));
  await annotate.ready();
  await annotate.decide("a");
  await expect(annotate.message).toHaveText("Nothing more to decide up to the end of the series");
  await annotate.saved();
  expect(await service.annotations(id, `&origin=confirmed&label_set=${labelSet}`)).toHaveLength(2);
});
