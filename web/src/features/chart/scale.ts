import type { BarSpan } from "@/features/annotations";
import type { LayerSpan } from "@/features/chart/port";

/** Where bars lie across the chart: the middle of bar 0, and the distance of two bars, in pixels. */
export type Scale = { readonly origin: number; readonly spacing: number; readonly width: number };

/** Below this distance of bars, bands over the candles would be nothing but noise: only the lanes are drawn. */
export const BAND_SPACING = 1.5;

export function middleOf({ origin, spacing }: Scale, bar: number): number {
  return origin + bar * spacing;
}

export function barUnder({ origin, spacing }: Scale, x: number): number {
  return Math.round((x - origin) / spacing);
}

/** The left and right edge of a span: halfway to the bars beside it. */
export function edgesOf(scale: Scale, { first, last }: BarSpan): [number, number] {
  const half = scale.spacing / 2;
  return [middleOf(scale, first) - half, middleOf(scale, last) + half];
}

/** Bars that can be seen. */
export function inView({ origin, spacing, width }: Scale): BarSpan {
  return { first: Math.floor(-origin / spacing - 0.5), last: Math.ceil((width - origin) / spacing + 0.5) };
}

/** A layer with what finding its visible spans needs. */
export type Indexed = { readonly spans: readonly LayerSpan[]; readonly longest: number };

export function indexed(spans: readonly LayerSpan[]): Indexed {
  let longest = 0;
  for (const { first, last } of spans) longest = Math.max(longest, last - first);
  return { spans, longest };
}

/** Call with each span that touches the bars; spans are sorted by their first bar. */
export function eachIn({ spans, longest }: Indexed, bars: BarSpan, call: (span: LayerSpan) => void): void {
  let low = 0;
  let high = spans.length;
  const from = bars.first - longest;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle] as LayerSpan).first < from) low = middle + 1;
    else high = middle;
  }
  for (; low < spans.length; low++) {
    const span = spans[low] as LayerSpan;
    if (span.first > bars.last) return;
    if (span.last >= bars.first) call(span);
  }
}
