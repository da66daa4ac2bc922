import { readFileSync } from "node:fs";

import type { Page } from "@playwright/test";

import { csvOf } from "./service";
import { expect, test } from "./support";

async function open(page: Page, path: string): Promise<void> {
  await page.goto(`${process.env.E2E_WEB}${path}`, { waitUntil: "load" });
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
}

const chooseFiles = (page: Page, name: string, text: string, at = "main > div > div > div") =>
  page
    .locator(`${at} input[type=file]`)
    .first()
    .setInputFiles({ name, mimeType: "text/csv", buffer: Buffer.from(text) });

const more = (page: Page, seriesId: string) => page.getByRole("button", { name: `More about ${seriesId}` });
const rowOf = (page: Page, seriesId: string) =>
  page.getByRole("row").filter({ has: page.getByRole("button", { name: `about ${seriesId}` }) });

test("a file is uploaded, its report names each defect with its rows, and newer candles are appended", async ({
  page,
  service,
}) => {
  const symbol = `UP${Date.now().toString(36).toUpperCase()}`;
  const seriesId = `${symbol}-1h`;
  const lines = csvOf(300, "UP").trimEnd().split("\n");
  lines.splice(20, 0, lines[20] as string);
  lines[50] = "no;candle";
  await open(page, "/series");
  await chooseFiles(page, `${symbol}_1h.csv`, `${lines.join("\n")}\n`);
  const report = page.getByRole("list", { name: "Imported files" });
  await expect(report.getByText("298 of 301").or(report.getByText("299 of 301"))).toBeVisible();
  await expect(report.getByRole("row").filter({ hasText: "quarantined" }).first()).toContainText(/22|51/);
  await expect(report.getByRole("link", { name: `Open ${seriesId}` })).toBeVisible();
  await expect(rowOf(page, seriesId)).toBeVisible();

  await chooseFiles(page, `${symbol}_1h.csv`, csvOf(320, "UP"));
  await report.getByRole("button", { name: `Append to ${seriesId}` }).click();
  // The line that was no candle is one now, and comes between others.
  await report.getByRole("button", { name: "Accept the new values" }).click();
  await expect(report.getByText(/20 new, 1 inserted/)).toBeVisible();
  expect((await service.get<{ bars: number }>(`/series/${seriesId}`)).bars).toBe(320);
});

test("a file that is dropped on the page is imported, and one that holds no candles is refused in words", async ({
  page,
}) => {
  await open(page, "/series");
  const drop = async (name: string, text: string) => {
    const data = await page.evaluateHandle(
      ([name, text]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([text as string], name as string, { type: "text/csv" }));
        return transfer;
      },
      [name, text],
    );
    for (const type of ["dragenter", "dragover", "drop"]) {
      await page.getByRole("main").dispatchEvent(type, { dataTransfer: data });
    }
  };
  const symbol = `DROP${Date.now().toString(36).toUpperCase()}`;
  await drop(`${symbol}_1h.csv`, csvOf(200, "DROPPED"));
  await expect(page.getByRole("link", { name: `Open ${symbol}-1h` })).toBeVisible();
  await drop("walk.csv", csvOf(210, "NAMELESS"));
  await page.getByLabel("Symbol of walk.csv").fill(`N${symbol}`);
  await page.getByRole("button", { name: "Import it" }).click();
  await expect(page.getByRole("link", { name: `Open N${symbol}-1h` })).toBeVisible();
  await drop("diary.txt", "dear diary,\nnothing happened\n");
  await expect(page.getByRole("alert").filter({ hasText: "candle" })).toBeVisible();
});

test("a series is auto-labelled from the page, with its progress, and the list counts what was found", async ({
  page,
  service,
}) => {
  const seriesId = await service.importSeries("AUTO", 500);
  await open(page, "/series");
  await more(page, seriesId).click();
  await page.getByRole("button", { name: "Auto-label this series" }).click();
  await expect(page.getByRole("region", { name: "Auto-label" }).getByText(/spans found in 1 series/)).toBeVisible();
  const found = (await service.annotations(seriesId)).length;
  expect(found).toBeGreaterThan(10);
  await expect(rowOf(page, seriesId).getByRole("cell").nth(2)).toHaveText(String(found));
});

test("annotations go out as a file in each format and come in again", async ({ page, service }) => {
  const seriesId = await service.importSeries("FILES");
  const span = { label: "bullish_harami", start_time: "2024-01-05T00:00:00Z", end_time: "2024-01-05T01:00:00Z" };
  const made = await service.call<{ id: string }>("POST", `/series/${seriesId}/annotations`, span);
  await open(page, "/series");
  await more(page, seriesId).click();
  const files = page.getByRole("region", { name: "Annotations as files" });
  const saved: Record<string, Buffer> = {};
  for (const [name, file] of [
    ["JSON", "annotations.json"],
    ["CSV", "annotations.csv"],
    ["CSV, a row per bar", "annotations.bars.csv"],
    ["JSON lines", "annotations.jsonl"],
    ["Parquet", "annotations.parquet"],
    ["Label Studio", "task.json"],
  ] as const) {
    const waiting = page.waitForEvent("download");
    await files.getByRole("link", { name, exact: true }).click();
    const download = await waiting;
    expect(download.suggestedFilename()).toBe(`${seriesId}-${file}`);
    const content = readFileSync(await download.path());
    expect(content.toString()).toContain("bullish_harami");
    saved[name] = content;
  }
  await fetch(`${service.url}/series/${seriesId}/annotations/${made.id}`, {
    method: "DELETE",
    headers: { "If-Match": "*" },
  });

  await files.getByRole("button", { name: "Import annotations" }).click();
  const dialog = page.getByRole("dialog");
  await dialog
    .getByLabel("File")
    .setInputFiles({ name: "marks.csv", mimeType: "text/csv", buffer: saved["CSV, a row per bar"] as Buffer });
  await expect(dialog.getByLabel("Format")).toHaveValue("csv");
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await expect(dialog.getByText("1 of 1 span kept.")).toBeVisible();
  await dialog.getByRole("button", { name: "Done" }).click();
  expect((await service.annotations(seriesId)).map((one) => one.origin)).toEqual(["imported"]);

  await files.getByRole("button", { name: "Import annotations" }).click();
  await dialog.getByLabel("File").setInputFiles({ name: "m.parquet", mimeType: "", buffer: saved.Parquet as Buffer });
  await expect(dialog.getByLabel("Format")).toHaveValue("parquet");
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await expect(dialog.getByText("0 of 1 span kept.")).toBeVisible();
  await dialog.getByRole("button", { name: "Done" }).click();

  await files.getByRole("button", { name: "Import annotations" }).click();
  await dialog.getByLabel("File").setInputFiles({ name: "x.json", mimeType: "text/json", buffer: Buffer.from("{") });
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await expect(dialog.getByText(/This is no file of annotations/)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(files.getByRole("button", { name: "Import annotations" })).toBeFocused();
});

test("a job is cancelled, and asked for again", async ({ page, service }) => {
  // Two trainings: the second waits for the first.
  await service.call("POST", "/train", {});
  const { job } = await service.call<{ job: { id: string } }>("POST", "/train", {});
  await open(page, "/jobs");
  const row = page.getByRole("listitem").filter({ has: page.locator(`a[href="/jobs/${job.id}"]`) });
  await row.getByRole("button", { name: "Cancel" }).click();
  await expect(row.getByText("cancelled", { exact: true })).toBeVisible();
  await row.getByRole("button", { name: "Try again" }).click();
  await expect(row.getByRole("button", { name: "Asked again" })).toBeVisible();
  await row.getByRole("link").click();
  await expect(page.getByText(job.id)).toBeVisible();
  await expect(page.getByText("cancelled", { exact: true })).toBeVisible();

  const { items } = await service.get<{ items: { id: string; status: string }[] }>("/jobs?kind=train&limit=5");
  for (const { id } of items) {
    await service.call("DELETE", `/jobs/${id}`).catch(() => undefined);
  }
  await expect
    .poll(async () => (await service.get<{ training: unknown }>("/label-sets/default/status")).training)
    .toBeNull();

  await open(page, "/jobs/nobody-knows-it");
  await expect(page.getByText("There is no such job")).toBeVisible();
});

test("a version is promoted in spite of the gate, rolled back and unpinned", async ({ page, service }) => {
  test.setTimeout(240_000);
  type Versions = { items: { version: string; champion: boolean; served_before: boolean }[] };
  const versions = async () => (await service.get<Versions>("/models?label_set=default")).items;
  const first = (await versions()).find((one) => one.champion)?.version as string;
  // A person's marks that make no sense: what is learned from them fails the gate, or passes; both are served by hand.
  const seriesId = await service.importSeries("GATE", 900);
  for (let bar = 30; bar < 600; bar += 3) {
    const time = new Date(Date.UTC(2024, 0, 1, bar)).toISOString();
    await service.call("POST", `/series/${seriesId}/annotations`, {
      label: "shooting_star",
      start_time: time,
      end_time: time,
    });
  }
  const { job } = await service.call<{ job: { id: string } }>("POST", "/train", { label_set: "default" });
  await service.finished(job.id);
  const trained = await service.get<{ result: { version: string; promoted: boolean } }>(`/jobs/${job.id}`);
  const other = trained.result.version;
  expect(other).not.toBe(first);

  await open(page, "/models");
  const item = (version: string) => page.getByRole("listitem").filter({ hasText: version });
  if (!trained.result.promoted) {
    await expect(item(other).getByText("failed the gate")).toBeVisible();
    await item(other).getByRole("button", { name: "Serve" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Serve it all the same" }).click();
    await expect(dialog.getByText("Say why the gate is overruled.")).toBeVisible();
    await dialog.getByLabel("Why it shall serve all the same").fill("To see it at work");
    await dialog.getByRole("button", { name: "Serve it all the same" }).click();
  }
  await expect(item(other).getByText("serves", { exact: true })).toBeVisible();
  await expect(page.getByRole("columnheader").filter({ hasText: first })).toBeVisible();

  await item(first).getByRole("button", { name: "Roll back" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
  await expect(item(first).getByText("serves", { exact: true })).toBeVisible();
  await expect(item(first).getByText("pinned", { exact: true })).toBeVisible();
  await item(first).getByRole("button", { name: "Unpin" }).click();
  await expect(item(first).getByText("pinned", { exact: true })).toHaveCount(0);
  expect((await versions()).find((one) => one.champion)?.version).toBe(first);
});

test("a label set is made on the page", async ({ page, service }) => {
  await open(page, "/series");
  const name = `gaps-${Date.now().toString(36)}`;
  await page.getByRole("button", { name: "New label set" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill(name);
  await dialog.getByLabel("Name of label 1").fill("Gap up");
  await dialog.getByRole("button", { name: "Add a label" }).click();
  await dialog.getByLabel("Name of label 2").fill("Gap down");
  await dialog.getByRole("button", { name: "Make the label set" }).click();
  await expect(page.getByRole("combobox", { name: "Label set" })).toHaveValue(name);
  const { items } = await service.get<{ items: { name: string; labels: { code: string }[] }[] }>("/label-sets");
  expect(items.find((one) => one.name === name)?.labels.map((one) => one.code)).toEqual(["GAU", "GAD"]);
  await page.getByRole("combobox", { name: "Label set" }).selectOption("default");
});
