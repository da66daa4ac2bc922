// @vitest-environment jsdom
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";

import { Problem } from "@/api/errors";
import { job } from "@/features/jobs/job-in-tests";
import { AWAY, LABEL_SET, pages, service, show } from "@/lib/page-in-tests";

import { NO_FILTERS } from "./filters";
import { PredictionPanel, type PredictionPanelProps } from "./panel";
import { usePredictionsStore } from "./store";

pages();
beforeEach(() => usePredictionsStore.setState({ ...NO_FILTERS, fresh: null }));

const VERSION = LABEL_SET.champion;
const RANGE = { startTime: "2026-01-02T00:00:00Z", endTime: "2026-01-03T00:00:00Z" };
const STATUS = { label_set: "default", champion: VERSION as string | null, revision: 1, pinned: false };
const calibration = { spans: 10, ece: 0.04, brier: 0.1, bins: [{ count: 10, confidence: 0.8, right: 0.7 }] };
const scores = { f1: 0.78, precision: 0.82, recall: 0.74, support: 120, f1_interval: [0.7, 0.85] };
const INFO = {
  model: { version: VERSION, warmup_candles: 2 },
  metrics: {
    macro_f1: 0.78,
    macro_f1_interval: [0.7, 0.85],
    calibration,
    labels: [
      { ...scores, label: "hammer", precision_interval: null, recall_interval: null, calibration },
      {
        label: "bullish_harami",
        f1: null,
        precision: null,
        recall: null,
        support: 0,
        f1_interval: null,
        calibration: null,
      },
    ],
  },
};
const loop = (champion: string | null = VERSION) => ({
  "GET /label-sets/default/status": { body: { ...STATUS, champion } },
  "GET /model/info": { body: INFO },
});
const many = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ label: at % 2 ? "hammer" : "bullish_harami", confidence: at / count }));

function panel(change: Partial<PredictionPanelProps> = {}) {
  return (
    <PredictionPanel
      seriesId="A-1h"
      labelSet={LABEL_SET}
      predictions={many(37)}
      scoring={{ modelVersion: VERSION, fetchedAt: Date.now(), stale: false }}
      visibleRange={() => RANGE}
      {...change}
    />
  );
}

it("says before there is a model what one can do until then", async () => {
  service(loop(null));
  show(panel({ predictions: [], scoring: null }));
  expect(await screen.findByText("No model yet")).toBeDefined();
  expect(screen.queryByRole("button", { name: "Predict this range now" })).toBeNull();
});

it("offers to predict where a series has no predictions", async () => {
  service(loop());
  show(panel({ predictions: [], scoring: { modelVersion: null, fetchedAt: 1, stale: true } }));
  expect(await screen.findByText("No predictions for this series")).toBeDefined();
  expect(screen.getByRole("button", { name: "Score all series" })).toBeDefined();
});

it("says that filters hide everything, and clears them", async () => {
  const user = userEvent.setup();
  service(loop());
  show(panel());
  await user.click(await screen.findByRole("checkbox", { name: "Show Hammer" }));
  await user.click(screen.getByRole("checkbox", { name: "Show Bullish harami" }));
  expect(screen.getByText("0 of 37 shown")).toBeDefined();
  await user.click(screen.getByRole("button", { name: "Clear filters" }));
  expect(screen.getByText("37 of 37 shown")).toBeDefined();
  expect(screen.queryByRole("button", { name: "Clear filters" })).toBeNull();
});

it("takes the least confidence as a typed number, and says when it is none", async () => {
  const user = userEvent.setup();
  service(loop());
  show(panel());
  const field = screen.getByLabelText("Least confidence");
  await user.clear(field);
  await user.type(field, "0.5");
  expect(screen.getByText("18 of 37 shown")).toBeDefined();
  expect((screen.getByLabelText("Least confidence, slider") as HTMLInputElement).value).toBe("0.5");
  await user.clear(field);
  await user.type(field, "2");
  expect(screen.getByText("A number from 0 to 1.")).toBeDefined();
  expect(usePredictionsStore.getState().minConfidence).toBe(0.5);
});

it("shows what the model is worth label by label, with support and interval, and the reliability of one", async () => {
  const user = userEvent.setup();
  service(loop());
  show(panel());
  const row = (await screen.findByRole("checkbox", { name: "Show Hammer" })).closest("tr");
  await waitFor(() => expect(row?.textContent).toContain(".78.70–.85120"));
  expect(screen.getByRole("img", { name: /Reliability of All labels/ })).toBeDefined();
  await user.click(screen.getByRole("button", { name: /Hammer/ }));
  expect(screen.getByRole("img", { name: /Reliability of Hammer: expected calibration error 0.040/ })).toBeDefined();
  await user.click(screen.getByRole("button", { name: /Bullish harami/ }));
  expect(screen.getByText(/nothing was proposed in test bars/)).toBeDefined();
});

it("turns the layer off and on", async () => {
  const user = userEvent.setup();
  service(loop());
  show(panel());
  await user.click(screen.getByRole("button", { name: /Predictions on/ }));
  expect(screen.getByRole("button", { name: /Predictions off/ }).getAttribute("aria-pressed")).toBe("false");
});

it("tells a service that fails from one that is away, and where its log has the cause", async () => {
  service(loop());
  const detail = "Something failed inside candleloop. The log has the cause under 7f3a.";
  show(panel({ error: new Problem(500, { code: "internal_error", detail }) }));
  expect(await screen.findByText("The service failed")).toBeDefined();
  expect(screen.getByText(/The log has the cause under 7f3a\. Annotating goes on/)).toBeDefined();
});

it("says of when the predictions are that stay while the service is away", async () => {
  service({ ...loop(), "GET /model/info": AWAY });
  show(panel({ error: new Problem(503, AWAY.body) }));
  expect(await screen.findByText("The service is away")).toBeDefined();
  expect(screen.getByText(/Shown are those from \d\d:\d\d, version aaaaaaaaaaaa/)).toBeDefined();
});

it("says when another version went live than the predictions are of", async () => {
  service(loop());
  show(panel({ scoring: { modelVersion: "bbbbbbbbbbbb", fetchedAt: 1, stale: true }, onScored: () => {} }));
  expect(await screen.findByText(/Shown are those of bbbbbbbbbbbb; aaaaaaaaaaaa serves now/)).toBeDefined();
  expect(screen.getByRole("button", { name: "Reload" })).toBeDefined();
});

const columns = (times: string[]) => {
  const ones = times.map(() => 1);
  return { time: times, open: ones, high: ones, low: ones, close: ones, volume: null };
};
const candles = ({ query }: { query: URLSearchParams }) => ({
  body: {
    candles: columns(query.has("before") ? ["2026-01-01T22:00:00Z", "2026-01-01T23:00:00Z"] : [RANGE.startTime]),
    next_cursor: null,
  },
});

it("predicts the range on the screen, with the candles before it that the model needs", async () => {
  const user = userEvent.setup();
  const { asked } = service({
    ...loop(),
    "GET /series/A-1h/candles": candles,
    "POST /predict": {
      body: {
        model: { version: VERSION },
        predictions: [
          { id: "before", end_time: "2026-01-01T23:00:00Z" },
          { id: "inside", end_time: RANGE.startTime },
        ],
      },
    },
  });
  show(panel());
  const button = await screen.findByRole("button", { name: "Predict this range now" });
  await waitFor(() => expect((button as HTMLButtonElement).disabled).toBe(false));
  await user.click(button);
  expect(await screen.findByText(/1 prediction made now by aaaaaaaaaaaa, not stored/)).toBeDefined();
  const body = asked.find(({ path }) => path === "/predict")?.body as { candles: { time: string[] } };
  expect(body.candles.time).toEqual(["2026-01-01T22:00:00Z", "2026-01-01T23:00:00Z", RANGE.startTime]);
  expect(usePredictionsStore.getState().fresh?.predictions.map((one) => one.id)).toEqual(["inside"]);
});

it.each([
  [504, "service_timeout", "No answer within 30 seconds.", /It took too long: zoom in and try again/],
  [422, "too_few_candles", "61 candles are needed.", /61 candles are needed/],
])("says in words why a range could not be predicted (%i)", async (status, code, detail, words) => {
  const user = userEvent.setup();
  service({ ...loop(), "GET /series/A-1h/candles": candles, "POST /predict": { status, body: { code, detail } } });
  show(panel());
  const button = await screen.findByRole("button", { name: "Predict this range now" });
  await waitFor(() => expect((button as HTMLButtonElement).disabled).toBe(false));
  await user.click(button);
  expect((await screen.findAllByText(words)).length).toBeGreaterThan(0);
});

it("scores all series by a batch, follows it, and cancels it", async () => {
  const user = userEvent.setup();
  const batch = job({
    id: "batch",
    status: "running",
    started_at: new Date().toISOString(),
    progressed_at: new Date().toISOString(),
    progress: { done: 20, total: 80, unit: "candles", stage: "predicting" },
  });
  const { asked, answers } = service({
    ...loop(),
    "GET /series": [{ series_id: "A-1h" }, { series_id: "B-1h" }],
    "POST /predict/batch": { status: 202, body: { job: batch } },
    "GET /jobs/batch": { body: batch },
  });
  answers["DELETE /jobs/batch"] = () => {
    answers["GET /jobs/batch"] = { body: { ...batch, status: "cancelled" } };
    return { body: { job: { ...batch, cancel_requested: true } } };
  };
  show(panel());
  await user.click(await screen.findByRole("button", { name: "Score all series" }));
  expect(await screen.findByText("20 of 80 candles")).toBeDefined();
  expect(asked.find(({ path }) => path === "/predict/batch")?.body).toMatchObject({ series: ["A-1h", "B-1h"] });
  await user.click(screen.getByRole("button", { name: "Cancel" }));
  expect(await screen.findByText("cancelled", undefined, { timeout: 10_000 })).toBeDefined();
  expect(screen.getByRole("button", { name: "Score all series" })).toBeDefined();
});
