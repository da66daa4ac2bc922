import { expect, it } from "vitest";

import { withFresh } from "./fresh";
import { joined } from "./predict-range";
import type { FreshPredictions } from "./store";

const made = (id: string) => ({
  id,
  label: "hammer",
  start_time: "2026-01-01T00:00:00Z",
  end_time: "2026-01-01T00:00:00Z",
  start_index: 60,
  end_index: 60,
  confidence: 0.8,
  probabilities: {},
  uncertainty: 0.1,
  provisional: false,
});
const fresh: FreshPredictions = {
  seriesId: "A-1h",
  labelSet: "default",
  modelVersion: "ab",
  startTime: "2026-01-01T00:00:00Z",
  endTime: "2026-01-02T00:00:00Z",
  predictions: [made("one"), made("two")],
};
const here = { seriesId: "A-1h", labelSet: "default" };

it("adds what was predicted now to what is stored, each once", () => {
  const stored = withFresh([], { ...fresh, predictions: [made("one")] }, here);
  const both = withFresh(stored, fresh, here);
  expect(both.map((one) => [one.id, one.model_version, one.stale])).toEqual([
    ["one", "ab", false],
    ["two", "ab", false],
  ]);
  expect(withFresh(both, fresh, here)).toBe(both);
});

it("adds nothing that belongs to another series or label set", () => {
  expect(withFresh([], fresh, { ...here, seriesId: "B-1h" })).toEqual([]);
  expect(withFresh([], fresh, { ...here, labelSet: "other" })).toEqual([]);
});

it("joins candles for a request, and leaves volume out where a part has none", () => {
  const part = (time: string, volume: number[] | null) => ({
    time: [time],
    open: [1],
    high: [2],
    low: [0.5],
    close: [1.5],
    volume,
  });
  expect(joined(part("a", [3]), part("b", [4]))).toEqual({
    time: ["a", "b"],
    open: [1, 1],
    high: [2, 2],
    low: [0.5, 0.5],
    close: [1.5, 1.5],
    volume: [3, 4],
  });
  expect(joined(part("a", null), part("b", [4])).volume).toBeUndefined();
  expect(joined(undefined, part("b", [4])).volume).toEqual([4]);
});
