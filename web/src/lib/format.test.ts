import { expect, it } from "vitest";

import { ago, bytes, duration, interval, labelName, percent, plural, score, timeframe } from "./format";

it("never rounds something to nothing, nor most to all", () => {
  expect([0, 0.004, 0.5, 0.996, 1].map(percent)).toEqual(["0 %", "< 1 %", "50 %", "> 99 %", "100 %"]);
});

it("writes scores without the zero before the point, and a dash for what cannot be measured", () => {
  expect([0, 0.824, 0.999, 1, null, undefined].map(score)).toEqual([".00", ".82", "1.0", "1.0", "–", "–"]);
  expect([interval([0.5, 0.75]), interval(null)]).toEqual([".50–.75", ""]);
});

it("says durations as people do", () => {
  expect([0, 59, 60, 3_540, 3_600, 4_800].map(duration)).toEqual([
    "0 s",
    "59 s",
    "1 min",
    "59 min",
    "1 h",
    "1 h 20 min",
  ]);
});

it("names timeframes as ids of series do", () => {
  expect([60, 300, 3_600, 14_400, 86_400, 604_800].map(timeframe)).toEqual(["1m", "5m", "1h", "4h", "1d", "1w"]);
});

it("says what was a moment ago, how many there are, what a label is called and how large a file is", () => {
  const now = Date.parse("2026-11-25T12:00:00Z");
  expect(ago("2026-11-25T11:58:00Z", now)).toBe("2 min ago");
  expect(ago("2026-11-25T11:59:58Z", now)).toBe("just now");
  expect([plural(1, "span"), plural(2_000, "series", "series")]).toEqual(["1 span", "2,000 series"]);
  expect(labelName("bullish_harami")).toBe("Bullish harami");
  expect([999, 15_400, 3_440_000].map(bytes)).toEqual(["999 B", "15 kB", "3.4 MB"]);
});
