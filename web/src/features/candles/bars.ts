import type { Schemas } from "@/api/client";
import { msOf } from "@/lib/times";

/** Candles of a stretch of a series as columns of equal length; `time` is that of the bar's opening, ms since 1970 UTC. */
export type Bars = {
  readonly time: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array | null;
};

const COLUMNS = ["time", "open", "high", "low", "close"] as const;

export const NO_BARS: Bars = barsOf({ time: [], open: [], high: [], low: [], close: [], volume: null });

export function barsOf(columns: Schemas["CandleColumns"]): Bars {
  return {
    time: Float64Array.from(columns.time, msOf),
    open: Float64Array.from(columns.open),
    high: Float64Array.from(columns.high),
    low: Float64Array.from(columns.low),
    close: Float64Array.from(columns.close),
    volume: columns.volume ? Float64Array.from(columns.volume) : null,
  };
}

/** The first bar that opens at `time` or later; the number of bars when there is none. */
export function firstFrom({ time }: Bars, moment: number): number {
  let low = 0;
  let high = time.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((time[middle] as number) < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The last bar that opens at `time` or earlier; -1 when there is none. */
export function lastUntil(bars: Bars, moment: number): number {
  const first = firstFrom(bars, moment);
  return bars.time[first] === moment ? first : first - 1;
}

/** The bar that opens at exactly `time`; -1 when there is none. */
export function barAt(bars: Bars, moment: number): number {
  const first = firstFrom(bars, moment);
  return bars.time[first] === moment ? first : -1;
}

/** One stretch after the other; what both have is taken from the second. */
export function joined(a: Bars, b: Bars): Bars {
  if (b.time.length === 0) return a;
  const earlier = cut(a, 0, firstFrom(a, b.time[0] as number));
  if (earlier.time.length === 0) return b;
  const parts = COLUMNS.map((name) => [name, concatenated(earlier[name], b[name])] as const);
  const volume = earlier.volume && b.volume ? concatenated(earlier.volume, b.volume) : null;
  return { ...(Object.fromEntries(parts) as Omit<Bars, "volume">), volume };
}

/** The bars from `first` up to, not including, `end`. */
export function cut(bars: Bars, first: number, end: number): Bars {
  const parts = COLUMNS.map((name) => [name, bars[name].subarray(first, end)] as const);
  return { ...(Object.fromEntries(parts) as Omit<Bars, "volume">), volume: bars.volume?.subarray(first, end) ?? null };
}

function concatenated(a: Float64Array, b: Float64Array): Float64Array {
  const both = new Float64Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
