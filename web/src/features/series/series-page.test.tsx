// @vitest-environment jsdom
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";

import { job } from "@/features/jobs/job-in-tests";
import { AWAY, LABEL_SET, pages, service, show } from "@/lib/page-in-tests";

import { rowWords } from "./import-report";
import { useImports } from "./import-store";
import { SeriesPage } from "./series-page";

pages();
beforeEach(() => useImports.setState({ imports: [] }));

const series = (change: object = {}, counts: object = {}) => ({
  series_id: "AAPL-1d",
  series_version: "v",
  symbol: "AAPL",
  timeframe_seconds: 86_400,
  bars: 1_000,
  first_time: "2000-03-01T00:00:00Z",
  last_time: "2013-03-01T00:00:00Z",
  counts: {
    label_set: "default",
    annotations: { human: 3, confirmed: 4, talib: 670 },
    reviewed_bars: 250,
    disagreements: { overlooked: 1, unsupported: 2, swap: 0, badloc: 4 },
    current: true,
    ...counts,
  },
  ...change,
});
const page = (list: object[], more: object = {}) =>
  service({ "GET /label-sets": [LABEL_SET], "GET /series": list, ...more });

it("calls for an import while there is no series", async () => {
  page([]);
  show(<SeriesPage />);
  expect(await screen.findByText("No series yet")).toBeDefined();
  expect(screen.getAllByRole("button", { name: "Import files" })).toHaveLength(1);
});

it("shows that it is loading, then each series with what lies on it", async () => {
  page([series()]);
  show(<SeriesPage />);
  expect(screen.getByRole("status", { name: "Loading the series" })).toBeDefined();
  const row = (await screen.findByRole("link", { name: "AAPL" })).closest("tr") as HTMLElement;
  expect(
    within(row)
      .getAllByRole("cell")
      .map((cell) => cell.textContent),
  ).toEqual(["1,000", "7", "670", "25 %", "7", "More about AAPL-1d"]);
  expect(within(row).getByRole("link").getAttribute("href")).toBe("/annotate/AAPL-1d");
});

it("says what is still being counted, and a dash where no model has predicted", async () => {
  page([
    series({}, { reviewed_bars: null, disagreements: null, current: false }),
    series({ series_id: "B-1d", symbol: "B" }, { disagreements: null }),
  ]);
  show(<SeriesPage />);
  expect(await screen.findAllByText("counting")).toHaveLength(2);
  expect(screen.getAllByText("–")).toHaveLength(1);
});

it("says when the service is away", async () => {
  page([], { "GET /series": AWAY });
  show(<SeriesPage />);
  expect(await screen.findByText(/does not answer/)).toBeDefined();
});

it("auto-labels all series and follows the job in its place", async () => {
  const user = userEvent.setup();
  const running = job({
    id: "j",
    kind: "autolabel",
    status: "running",
    started_at: new Date().toISOString(),
    progress: { done: 1, total: 4, unit: "series", stage: "auto-labelling" },
  });
  const { asked } = page([series()], {
    "POST /autolabel": { status: 202, body: { job: running } },
    "GET /jobs/j": { body: running },
  });
  show(<SeriesPage />);
  await user.click(await screen.findByRole("button", { name: "Auto-label all series" }));
  expect(await screen.findByText("1 of 4 series")).toBeDefined();
  expect(asked.find(({ path }) => path === "/autolabel")?.body).toEqual({ label_set: "default", series: null });
});

it("opens what there is to know and to do about a series, by keyboard", async () => {
  const user = userEvent.setup();
  const report = {
    rows_in: 1_010,
    rows_kept: 1_000,
    family: "generic",
    timezone: "UTC",
    timeframe: "1d",
    first_time: "2000-03-01T00:00:00Z",
    last_time: "2013-03-01T00:00:00Z",
    defects: [
      {
        kind: "duplicate",
        message: "the same candle again",
        count: 10,
        rows: [4, 5],
        action: "quarantined",
        ranges: [
          [4, 5],
          [9, 9],
        ],
      },
    ],
    notes: [],
  };
  page([series()], { "GET /series/AAPL-1d": { body: { ...series(), test_bars: null, annotations: {}, report } } });
  show(<SeriesPage />);
  const more = await screen.findByRole("button", { name: "More about AAPL-1d" });
  more.focus();
  await user.keyboard("{Enter}");
  expect(more.getAttribute("aria-expanded")).toBe("true");
  expect(await screen.findByText("the same candle again")).toBeDefined();
  expect(screen.getByRole("cell", { name: "4–5, 9 and 7 more" })).toBeDefined();
  expect(screen.getByRole("link", { name: "CSV" }).getAttribute("href")).toBe(
    "/api/annotations/export?series_id=AAPL-1d&label_set=default&format=csv",
  );
});

it("names rows as ranges, and how many more there are", () => {
  const defect = { kind: "gap", message: "", action: "reported" as const };
  expect(rowWords({ ...defect, count: 3, rows: [1, 2, 3], ranges: [[1, 3]] })).toBe("1–3");
  expect(rowWords({ ...defect, count: 2, rows: [12, 1_400] })).toBe("12, 1,400");
  expect(rowWords({ ...defect, count: 1, rows: [] })).toBe("");
});

it("makes a new label set and goes on with it", async () => {
  const user = userEvent.setup();
  const made = { ...LABEL_SET, name: "mine", champion: null };
  const { asked, answers } = page([], {});
  answers["POST /label-sets"] = () => {
    answers["GET /label-sets"] = [LABEL_SET, made];
    return { status: 201, body: made };
  };
  show(<SeriesPage />);
  await user.click(screen.getByRole("button", { name: "New label set" }));
  await user.click(screen.getByRole("button", { name: "Make the label set" }));
  expect(screen.getAllByText("Give it a name that begins with a letter.")).toHaveLength(2);
  await user.type(screen.getByLabelText("Name"), "Mine");
  await user.type(screen.getByLabelText("Name of label 1"), "Three white soldiers");
  await user.click(screen.getByRole("button", { name: "Make the label set" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect((screen.getByLabelText("Label set") as HTMLSelectElement).value).toBe("mine");
  expect(asked.find(({ method }) => method === "POST")?.body).toMatchObject({
    name: "mine",
    labels: [{ name: "three_white_soldiers", code: "TWS" }],
  });
});
