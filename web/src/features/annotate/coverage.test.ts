import fc from "fast-check";
import { expect, it } from "vitest";

import { type Covered, coverageOf, reviewedByLabel } from "@/features/annotate/coverage";
import type { ReviewedRange } from "@/features/annotations";
import { barsOf } from "@/features/candles";
import { isoTime } from "@/lib/times";

const HOUR = 3_600_000;
const COUNT = 30;
const prices = Array.from({ length: COUNT }, (_, bar) => 100 + bar);
const time = prices.map((_, bar) => isoTime(bar * HOUR));
const BARS = barsOf({ time, open: prices, high: prices, low: prices, close: prices });
const LABELS = ["doji", "star", "hammer"];

function range(first: number, last: number, labels: string[] | null = null): ReviewedRange {
  return { key: `${first} ${last}`, id: null, labels, start: first * HOUR, end: last * HOUR, unsaved: false };
}

it("puts ranges that touch or overlap together, and says where only some labels were looked for", () => {
  const ranges = [range(1, 4), range(3, 8), range(9, 9), range(12, 14, ["star"]), range(40, 50)];
  expect(coverageOf(BARS, ranges, LABELS)).toEqual([
    { first: 1, last: 9, labels: null },
    { first: 12, last: 14, labels: ["star"] },
  ]);
});

it("calls bars reviewed for all labels when several ranges together are", () => {
  const ranges = [range(0, 9, ["doji", "star"]), range(5, 12, ["hammer"])];
  const covered = coverageOf(BARS, ranges, LABELS);
  expect(covered).toEqual([
    { first: 0, last: 4, labels: ["doji", "star"] },
    { first: 5, last: 9, labels: null },
    { first: 10, last: 12, labels: ["hammer"] },
  ]);
  expect([...reviewedByLabel(covered, LABELS)]).toEqual([
    ["doji", 10],
    ["star", 10],
    ["hammer", 8],
  ]);
});

const ranges = fc.array(
  fc
    .tuple(fc.nat(COUNT + 5), fc.nat(8), fc.option(fc.subarray([...LABELS, "of another set"], { minLength: 1 })))
    .map(([first, length, labels]) => range(first, first + length, labels)),
);

it("says of each bar what the ranges over it say", () => {
  fc.assert(
    fc.property(ranges, (ranges) => {
      const covered = coverageOf(BARS, ranges, LABELS);
      const at = (bar: number): Covered | undefined => covered.find(({ first, last }) => first <= bar && bar <= last);
      for (let bar = 0; bar < COUNT; bar++) {
        const here = ranges.filter(({ start, end }) => start <= bar * HOUR && bar * HOUR <= end);
        const wanted = LABELS.filter((label) => here.some(({ labels }) => labels === null || labels.includes(label)));
        expect(at(bar) === undefined ? [] : (at(bar)?.labels ?? LABELS)).toEqual(wanted);
      }
      covered.slice(1).forEach((span, before) => {
        expect(span.first).toBeGreaterThan(covered[before]?.last as number);
      });
    }),
  );
});
