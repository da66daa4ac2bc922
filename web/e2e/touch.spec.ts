import { AnnotatePage, expect, test } from "./support";

test("on a phone bars are drawn, the chart is moved and a span is decided by touch", async ({ browser, service }) => {
  const id = await service.importSeries("TOUCH");
  await service.labelled(id);
  const context = await browser.newContext({
    baseURL: process.env.E2E_WEB,
    viewport: { width: 390, height: 800 },
    hasTouch: true,
    isMobile: true,
  });
  const page = await context.newPage();
  const annotate = new AnnotatePage(page);
  const finger = await context.newCDPSession(page);
  // A finger that takes a second for its way and rests at the end: after a swipe the browser ignores the next tap.
  const drag = async (from: [number, number], to: [number, number]) => {
    const began = Date.now() / 1000 - 1;
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", after: number, share: number | null) => {
      const at = share === null ? [] : [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
      const touchPoints = share === null ? [] : [{ x: at[0] as number, y: at[1] as number }];
      return finger.send("Input.dispatchTouchEvent", { type, touchPoints, timestamp: began + after });
    };
    await touch("touchStart", 0, 0);
    for (const share of [0.25, 0.5, 0.75, 1]) await touch("touchMove", share / 2, share);
    await touch("touchEnd", 1, null);
  };
  const mine = async () =>
    (await service.annotations(id)).filter(({ origin }) => origin === "human").map(({ label }) => label);

  await annotate.open(id);
  const labels = page.getByRole("toolbar", { name: "Labels" });
  const at = await annotate.places();
  const still = (await annotate.lane("TA-Lib")).picture;
  await labels.getByRole("button", { name: "Draw" }).tap();
  await drag(at(0.2), at(0.3));
  await expect(annotate.message).toHaveText("A digit names these bars");
  await labels.getByRole("button", { name: "MST" }).tap();
  await expect.poll(mine).toEqual(["morning_star"]);
  // Two taps say what a drag says.
  await labels.getByRole("button", { name: "Draw" }).tap();
  await page.touchscreen.tap(...at(0.45));
  await page.touchscreen.tap(...at(0.5));
  await expect(annotate.message).toHaveText("A digit names these bars");
  await labels.getByRole("button", { name: "EST" }).tap();
  await expect.poll(async () => (await mine()).sort()).toEqual(["evening_star", "morning_star"]);
  // Drawing moves nothing; any other drag moves the chart.
  expect((await annotate.lane("TA-Lib")).picture).toBe(still);
  await drag(at(0.3), at(0.6));
  await expect.poll(async () => (await annotate.lane("TA-Lib")).picture).not.toBe(still);

  await annotate.still();
  await page.touchscreen.tap(...(await annotate.lane("TA-Lib")).at);
  await expect(annotate.focused).toContainText("by TA-Lib");
  await page.getByRole("button", { name: "Confirm" }).tap();
  await expect(annotate.message).toContainText("confirmed");
  await expect.poll(async () => (await service.annotations(id, "&origin=confirmed")).length).toBe(1);
  await page.getByRole("tab", { name: "Disagreements" }).tap();
  await expect(page.getByRole("group", { name: "Kinds of disagreement" })).toBeVisible();
  await context.close();
});
