/** ISO-8601 in UTC to milliseconds since 1970; candles open at full milliseconds. */
export function msOf(iso: string): number {
  return Date.parse(iso);
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

const DAY = 86_400_000;

/** A bar-open time in UTC, as short as the bars allow: `2010-03-04` for daily ones, `2010-03-04 08:15` otherwise. */
export function shortTime(ms: number, timeframeSeconds: number): string {
  const text = isoTime(ms).replace("T", " ");
  return timeframeSeconds * 1000 >= DAY && ms % DAY === 0 ? text.slice(0, 10) : text.slice(0, 16);
}
