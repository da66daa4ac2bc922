import { type Bars, type CandleSource, candleSource } from "@/features/candles";

/** Answers that were asked for ahead of time, each to be used once. */
const kept = new Map<string, Promise<Bars>>();
const MOST = 8;

/**
 * Candles of a series, those read ahead first. `warm` asks for what a window that opens at a time will ask for, so that the
 * next item is there when it is its turn.
 */
export function warmSource(seriesId: string): CandleSource & { warm(time: number, limit: number): void } {
  const source = candleSource(seriesId);
  const keyOf = (kind: string, time: number, limit: number) => `${seriesId} ${kind} ${time} ${limit}`;
  const read = (kind: "before" | "from", time: number, limit: number, signal: AbortSignal): Promise<Bars> => {
    const key = keyOf(kind, time, limit);
    const found = kept.get(key);
    if (found === undefined) return source[kind](time, limit, signal);
    kept.delete(key);
    return found.catch(() => source[kind](time, limit, signal));
  };
  return {
    before: (time, limit, signal) => read("before", time, limit, signal),
    from: (time, limit, signal) => read("from", time, limit, signal),
    warm(time, limit) {
      for (const kind of ["before", "from"] as const) {
        const key = keyOf(kind, time, limit);
        if (kept.has(key)) continue;
        const answer = source[kind](time, limit, new AbortController().signal);
        answer.catch(() => kept.delete(key));
        kept.set(key, answer);
      }
      for (const key of [...kept.keys()].slice(0, Math.max(0, kept.size - MOST))) kept.delete(key);
    },
  };
}
