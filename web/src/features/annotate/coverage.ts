import { barsOfTimes } from "@/features/annotate/layers";
import { type BarSpan, lengthOf, type ReviewedRange } from "@/features/annotations";
import type { Bars } from "@/features/candles";

/** Bars that were reviewed for the same labels; `labels` is null where that is all of the set. */
export type Covered = BarSpan & { readonly labels: readonly string[] | null };

/** Which bars of the window were reviewed, and for which labels; by first bar, without overlap, neighbours differ. */
export function coverageOf(bars: Bars, ranges: readonly ReviewedRange[], labels: readonly string[]): Covered[] {
  type Step = { readonly bar: number; readonly by: 1 | -1; readonly labels: readonly string[] };
  const steps: Step[] = [];
  for (const range of ranges) {
    const place = barsOfTimes(bars, range);
    if (place === null) continue;
    const named = range.labels ?? labels;
    steps.push({ bar: place.first, by: 1, labels: named }, { bar: place.last + 1, by: -1, labels: named });
  }
  steps.sort((a, b) => a.bar - b.bar);
  const depth = new Map<string, number>(labels.map((label) => [label, 0]));
  const covered: (Covered & { last: number })[] = [];
  steps.forEach(({ bar, by, labels: named }, position) => {
    for (const label of named) depth.set(label, (depth.get(label) ?? 0) + by);
    const next = steps[position + 1]?.bar ?? bar;
    if (next === bar) return;
    const now = labels.filter((label) => (depth.get(label) ?? 0) > 0);
    if (now.length === 0) return;
    const before = covered.at(-1);
    const all = now.length === labels.length ? null : now;
    if (before && before.last === bar - 1 && isSame(before.labels, all)) before.last = next - 1;
    else covered.push({ first: bar, last: next - 1, labels: all });
  });
  return covered;
}

function isSame(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return a === b || (a !== null && b !== null && a.length === b.length && a.every((label, at) => label === b[at]));
}

/** For how many bars each label was reviewed. */
export function reviewedByLabel(covered: readonly Covered[], labels: readonly string[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>(labels.map((label) => [label, 0]));
  for (const span of covered) {
    for (const label of span.labels ?? labels) sums.set(label, (sums.get(label) ?? 0) + lengthOf(span));
  }
  return sums;
}
