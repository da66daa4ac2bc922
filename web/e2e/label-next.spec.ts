import type { Page } from "@playwright/test";

import { axe } from "./axe";
import { type Service, timeOf } from "./service";
import { expect, painted, test } from "./support";

type Item = { id: string; series_id: string; blind: boolean; focus: { start_time: string; end_time: string } };
type Queue = { items: Item[]; reviewed_windows: number; model_version: string | null };

/** The page of the queue. */
class LabelNext {
  private painted = "";

  constructor(
    readonly page: Page,
    readonly service: Service,
  ) {}

  /** Open it as somebody of the test's own, with a label set. */
  async open(holder: string, labelSet = "default"): Promise<void> {
    await this.page.addInitScript(
      ([name, set]) => {
        localStorage.setItem("candleloop.holder", name as string);
        localStorage.setItem("candleloop.label-set", JSON.stringify({ state: { chosen: set }, version: 0 }));
      },
      [holder, labelSet],
    );
    await this.page.goto(`${process.env.E2E_WEB}/label-next`, { waitUntil: "load" });
  }

  get bench() {
    return this.page.getByTestId("bench");
  }

  get message() {
    return this.page.getByTestId("message");
  }

  async ready(): Promise<string> {
    await expect(this.bench).toHaveAttribute("data-ready", "true");
    return (await this.bench.getAttribute("data-item")) as string;
  }

  /** Press a key that leads to another mark, once the one before has been painted: before, keys decide nothing. */
  async press(key: "a" | "space", chosen = ""): Promise<void> {
    this.painted = await painted(this.page, this.painted);
    await this.page.keyboard.press(key === "space" ? "Space" : key);
    await expect(this.page.getByTestId("focused")).toContainText(chosen);
  }

  /** Finish the item at hand, decided or not, and wait for the next one. */
  async finish(): Promise<string> {
    const item = await this.ready();
    await expect(this.page.getByTestId("left")).not.toBeEmpty();
    await this.page.keyboard.press("c");
    const gone = async () => (await this.bench.getAttribute("data-item").catch(() => null)) !== item;
    await expect
      .poll(async () => (await gone()) || /again finishes/.test((await this.message.textContent()) ?? ""))
      .toBe(true);
    if (!(await gone())) await this.page.keyboard.press("c");
    await expect.poll(gone).toBe(true);
    return this.ready();
  }

  /** Give somebody the item that a moment lies in. */
  async leaseWith(moment: string, holder: string, query: string): Promise<void> {
    const { items } = await this.queue(`&${query}`);
    const at = Date.parse(moment);
    const item = items.find(({ focus }) => Date.parse(focus.start_time) <= at && at <= Date.parse(focus.end_time));
    await this.service.call("POST", `/review/${(item as Item).id}/lease`, { holder });
  }

  async queue(query = ""): Promise<Queue> {
    return this.service.get<Queue>(`/review/next?limit=50${query}`);
  }
}

test("items are decided, finished, skipped and opened again by keyboard alone", async ({ page, service }) => {
  const next = new LabelNext(page, service);
  await scored(service);
  const before = (await next.queue()).reviewed_windows;
  await next.open("e2e-keys");
  const first = await next.ready();
  await expect(page.getByTestId("reason")).toContainText(/Why this one|Blind check/);
  await expect(page.getByTestId("upcoming")).toContainText("Next:");

  const second = await next.finish();
  expect(second).not.toBe(first);
  expect((await next.queue()).reviewed_windows).toBe(before + 1);
  await expect(page.getByTestId("progress")).toContainText("1 done here");

  await page.keyboard.press("s");
  await expect(next.bench).not.toHaveAttribute("data-item", second);
  await next.ready();
  await expect(page.getByTestId("past").getByRole("listitem").first()).toContainText("skipped");
  expect((await next.queue()).reviewed_windows).toBe(before + 1);

  await page.keyboard.press("h");
  await expect(next.bench).toHaveAttribute("data-item", second);
  await next.ready();
  await page.getByTestId("past").getByRole("button", { name: "Reopen" }).first().click();
  await expect(next.bench).toHaveAttribute("data-item", first);
  expect((await next.queue("&holder=e2e-keys")).reviewed_windows).toBe(before);
});

test("a decision in the queue is stored with the item it was made for", async ({ page, service }) => {
  const next = new LabelNext(page, service);
  await scored(service);
  await next.open("e2e-decide");
  let item = await next.ready();
  for (let turn = 0; turn < 5 && !(await page.getByTestId("left").textContent())?.includes("to decide"); turn++) {
    item = await next.finish();
  }
  const { series_id, focus } = (await next.queue("&holder=e2e-decide")).items[0] as Item;
  const range = `&start_time=${focus.start_time}&end_time=${focus.end_time}&origin=confirmed`;
  const confirmed = (await service.annotations(series_id, range)).length;
  await expect(page.getByTestId("focused")).not.toContainText("Nothing.");
  const sent = page.waitForRequest((request) => request.url().endsWith("/api/feedback") && request.method() === "POST");
  await painted(page);
  await page.keyboard.press("a");
  expect((await sent).postDataJSON().events[0]).toMatchObject({ verb: "confirm", review_item: item });
  await expect.poll(async () => (await service.annotations(series_id, range)).length).toBe(confirmed + 1);
});

test("what was skipped in an item is gone back to once the last of it is decided", async ({ page, service }) => {
  const next = new LabelNext(page, service);
  const labelSet = await service.freeLabelSet();
  const id = await service.importSeries("AGAIN");
  await service.foundWedges(id, labelSet, [10, 20, 30]);
  await next.leaseWith(timeOf(10), "e2e-wrap", `series_id=${id}&label_set=${labelSet}`);
  await next.open("e2e-wrap", labelSet);
  await next.ready();
  const left = page.getByTestId("left");
  const focused = page.getByTestId("focused");
  await expect(left).toHaveText("3 to decide");
  await expect(focused).toContainText("2024-01-01 10:00");
  await next.press("space", "2024-01-01 20:00");
  await next.press("a", "2024-01-02 06:00");
  await next.press("a", "2024-01-01 10:00");
  await expect(left).toHaveText("1 to decide");
  await next.press("a", "Nothing.");
  await expect(left).toHaveText("all decided");
});

test("an item is opened at its bars, however late the first frame is", async ({ page, service }) => {
  const next = new LabelNext(page, service);
  const labelSet = await service.freeLabelSet();
  const id = await service.importSeries("AFTER", 3_000);
  await next.leaseWith(timeOf(10), "e2e-frames", `series_id=${id}&label_set=${labelSet}`);
  await page.addInitScript(() => {
    const soon = window.requestAnimationFrame.bind(window);
    // What else the page does has its turn before the chart is first painted.
    window.requestAnimationFrame = (paint) => Number(setTimeout(() => soon(paint), 500));
  });
  await next.open("e2e-frames", labelSet);
  await next.ready();
  // Without a cursor the first step is to the middle of what is to be seen.
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("1");
  const marked = () => service.annotations(id, `&origin=human&label_set=${labelSet}`);
  await expect.poll(async () => (await marked()).length).toBe(1);
  expect(Date.parse((await marked())[0]?.start_time as string)).toBeLessThan(Date.parse(timeOf(120)));
});

test("Ctrl+Enter finishes the item from the field of a note, and the note is kept", async ({ page, service }) => {
  const next = new LabelNext(page, service);
  const labelSet = await service.freeLabelSet();
  const id = await service.importSeries("ADVICE");
  await service.foundWedges(id, labelSet, [10]);
  await next.leaseWith(timeOf(10), "e2e-note", `series_id=${id}&label_set=${labelSet}`);
  await next.open("e2e-note", labelSet);
  const item = await next.ready();
  await expect(page.getByTestId("left")).toHaveText("1 to decide");
  const note = page.getByRole("textbox", { name: "What you cannot tell about Wedge" });
  await expect(async () => {
    await page.keyboard.press("f");
    await expect(note).toBeFocused({ timeout: 500 });
  }).toPass();
  await page.keyboard.type("Too flat?");
  await page.keyboard.press("Control+Enter");
  await expect(next.bench).not.toHaveAttribute("data-item", item);
  await expect(page.getByTestId("past").getByRole("listitem")).toHaveCount(1);
  const { items } = await service.get<{ items: object[] }>(`/series/${id}/flags?label_set=${labelSet}`);
  expect(items).toMatchObject([{ label: "wedge", note: "Too flat?" }]);
  expect((await next.queue(`&label_set=${labelSet}`)).reviewed_windows).toBe(1);
});

test("an order that the service refuses is shown with its words, and every other one can be chosen then", async ({
  page,
  service,
}) => {
  const next = new LabelNext(page, service);
  await scored(service);
  await next.open("e2e-refused");
  await next.ready();
  const order = page.getByLabel("Order");
  await order.selectOption("committee");
  const refusal = page.getByRole("main").getByRole("alert");
  await expect(refusal).toContainText(
    "A committee needs models of two families: label set 'default' has xgboost alone.",
  );
  await expect(next.bench).toHaveCount(0);
  const orders = await order.getByRole("option").evaluateAll((all) => all.map((one) => one.getAttribute("value")));
  for (const name of orders.filter((one) => one !== "committee")) {
    await order.selectOption(name);
    await next.ready();
    await expect(refusal).toHaveCount(0);
    await expect(order).toHaveValue(name as string);
  }
});

test("one labels what is asked for, and sees the model that learned from it go live with macro-F1 before and after", async ({
  page,
  service,
}) => {
  const next = new LabelNext(page, service);
  await scored(service);
  await service.quiet();
  type Model = { version: string; gate: { champion_macro_f1: number; candidate_macro_f1: number } };
  const models = async () => (await service.get<{ items: Model[] }>("/models?limit=1000")).items;
  const served = async () => (await service.get<{ model: Model }>("/model/info")).model.version;
  const before = await served();
  await next.open("e2e-improves");
  const left = async () => Number.parseInt((await page.getByTestId("left").textContent()) ?? "", 10) || 0;
  for (let decisions = 0; decisions < 5; ) {
    await next.ready();
    await expect(page.getByTestId("reason")).toContainText(/Why this one|Blind check/);
    for (let open = await left(); open > 0; decisions++) {
      await next.press("a");
      await expect.poll(left).toBeLessThan(open);
      open = await left();
    }
    await next.finish();
  }
  await expect(page.getByTestId("learning")).toContainText(/\d+ edits? waits? to teach|training/);
  await expect.poll(async () => (await models())[0]?.version, { timeout: 90_000 }).not.toBe(before);
  await service.quiet();
  if ((await served()) === before) {
    // The gate said no to what these few decisions taught: then a person serves it all the same.
    const reason = "To see what the page says";
    await service.call("POST", `/models/${(await models())[0]?.version}/promote`, { override: true, reason });
  }
  const notice = page.getByTestId("model-notice");
  const percent = (value: number) => (100 * value).toFixed(1);
  await expect(async () => {
    // Each finished item teaches, so that a further one may go live meanwhile: the notice is about the last of them.
    const text = (await notice.textContent({ timeout: 1_000 })) ?? "";
    const gate = (await models()).find((one) => text.startsWith(`Model ${one.version} is live`))?.gate as Model["gate"];
    const [then, now] = [gate.champion_macro_f1, gate.candidate_macro_f1].map(percent);
    expect(text).toContain(`macro-F1 ${then} before, ${now} now`);
  }).toPass();
  // It stays until it was read, over the items that come meanwhile.
  await next.finish();
  expect(await notice.count()).toBe(1);
});

test("a held key finishes one item, and no key works while the next one is on its way", async ({ page, service }) => {
  const next = new LabelNext(page, service);
  await scored(service);
  await next.open("e2e-held");
  const first = await next.ready();
  const done: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/complete")) done.push(request.url());
  });
  for (let count = 0; count < 30; count++) await page.keyboard.down("s");
  await page.keyboard.up("s");
  await expect(next.bench).not.toHaveAttribute("data-item", first);
  await next.ready();
  expect(done).toHaveLength(1);
});

test("a blind item shows nothing of the model, and asks for nothing of it, until it is done", async ({
  page,
  service,
}) => {
  const next = new LabelNext(page, service);
  await scored(service);
  const blind = await findBlind(next);
  await service.call("POST", `/review/${blind.id}/lease`, { holder: "e2e-blind" });
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await next.open("e2e-blind");
  expect(await next.ready()).toBe(blind.id);
  await expect(page.getByTestId("reason")).toContainText("Blind check");
  await expect(page.getByText("what the model finds is told when you are done")).toBeVisible();
  await page.keyboard.press("n");
  await expect(page.getByTestId("focused")).toContainText("Nothing.");
  const ofThis = asked.filter((url) => url.includes(`/series/${blind.series_id}/`));
  expect(ofThis.filter((url) => /predictions|disagreements/.test(url))).toEqual([]);
  await page.keyboard.press("c");
  await expect(next.bench).not.toHaveAttribute("data-item", blind.id);
  await expect(page.getByTestId("past").getByRole("listitem").first()).toContainText("the model finds");
  const info = await service.get<{ live: { windows: number } | null }>("/model/info");
  expect(info.live?.windows).toBeGreaterThan(0);
});

for (const theme of ["light", "dark", "contrast"]) {
  test(`axe finds nothing on the page of the queue in the ${theme} theme`, async ({ page, service }) => {
    const next = new LabelNext(page, service);
    await page.addInitScript((name) => localStorage.setItem("candleloop.theme", name), theme);
    await next.open(`e2e-${theme}`);
    await next.ready();
    expect(await axe(page)).toEqual([]);
  });
}

test("without a model the queue says so, and when others hold everything it says that", async ({ page, service }) => {
  const next = new LabelNext(page, service);
  await next.open("e2e-cold", "all-61");
  await next.ready();
  await expect(page.getByTestId("cold-start")).toContainText("no model yet");
  for (let round = 0; round < 60; round++) {
    const { items } = await next.queue("&label_set=all-61");
    if (items.length === 0) break;
    for (const item of items) await service.call("POST", `/review/${item.id}/lease`, { holder: "somebody-else" });
  }
  await page.keyboard.press("s");
  await expect(page.getByTestId("queue-empty")).toContainText("Nothing is left to label");
});

/** Wait until the queue has a model's scores. */
async function scored(service: Service): Promise<void> {
  await expect
    .poll(async () => (await service.get<Queue>("/review/next?limit=1")).model_version, { timeout: 90_000 })
    .not.toBeNull();
}

async function findBlind(next: LabelNext): Promise<Item> {
  for (const strategy of ["", "random", "margin", "entropy", "rare_margin", "mismatch_first"]) {
    const { items } = await next.queue(strategy && `&strategy=${strategy}`);
    const found = items.find((one) => one.blind);
    if (found) return found;
  }
  throw new Error("No blind item among the first fifty of six orders.");
}
