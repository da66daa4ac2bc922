import { createStore, type StoreApi } from "zustand/vanilla";

import { api, unwrap } from "@/api/client";
import { asProblem, type Problem } from "@/api/errors";
import { type Bars, barsOf, cut, joined, NO_BARS } from "@/features/candles/bars";
import { isoTime } from "@/lib/times";

/** Reads the candles of one series. */
export interface CandleSource {
  /** The last `limit` candles that open before a time. */
  before(time: number, limit: number, signal: AbortSignal): Promise<Bars>;
  /** The first `limit` candles that open at a time or later. */
  from(time: number, limit: number, signal: AbortSignal): Promise<Bars>;
}

export function candleSource(seriesId: string): CandleSource {
  const path = { series_id: seriesId };
  const read = async (query: { before?: string; start_time?: string; limit: number }, signal: AbortSignal) =>
    barsOf((await unwrap(api.GET("/series/{series_id}/candles", { params: { path, query }, signal }))).candles);
  return {
    before: (time, limit, signal) => read({ before: isoTime(time), limit }, signal),
    from: (time, limit, signal) => read({ start_time: isoTime(time), limit }, signal),
  };
}

export type WindowState = {
  readonly bars: Bars;
  readonly hasEarlier: boolean;
  readonly hasLater: boolean;
  readonly loading: boolean;
  readonly problem: Problem | null;
  /** Goes up when the window jumped to another place, so that nothing of the old view means anything. */
  readonly jumps: number;
};

export type CandleWindow = StoreApi<WindowState> & {
  /** Load the bars around a time; around the last ones when it is null. */
  openAt(time: number | null): Promise<void>;
  earlier(): Promise<void>;
  later(): Promise<void>;
  close(): void;
};

/** Candles that the first view is drawn from; the same for every length of series. */
export const FIRST_PAGE = 1_000;
const PAGE = 5_000;
const LARGE_PAGE = 20_000;
/** Bars that are held at most; beyond, the far end is let go of and read again when it is wanted. */
export const MOST_BARS = 120_000;

/**
 * The stretch of a series that is loaded: a window without holes that grows by pages and forgets at its far end, so that a
 * series of millions costs no more than one of thousands.
 */
export function createCandleWindow(
  source: CandleSource,
  ends: { readonly first: number; readonly last: number },
): CandleWindow {
  const store = createStore<WindowState>(() => ({
    bars: NO_BARS,
    hasEarlier: false,
    hasLater: false,
    loading: true,
    problem: null,
    jumps: 0,
  }));
  let controller = new AbortController();
  let growing = false;

  function put(bars: Bars, jumped: boolean): void {
    const first = bars.time[0] ?? 0;
    const last = bars.time.at(-1) ?? 0;
    store.setState(({ jumps }) => ({
      bars,
      hasEarlier: bars.time.length > 0 && first > ends.first,
      hasLater: bars.time.length > 0 && last < ends.last,
      loading: false,
      problem: null,
      jumps: jumped ? jumps + 1 : jumps,
    }));
  }

  async function openAt(time: number | null): Promise<void> {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    growing = false;
    store.setState({ loading: true });
    try {
      const at = time ?? ends.last + 1;
      const wantsLater = time !== null && time <= ends.last;
      const [before, after] = await Promise.all([
        source.before(at, FIRST_PAGE, signal),
        wantsLater ? source.from(at, FIRST_PAGE, signal) : NO_BARS,
      ]);
      if (!signal.aborted) put(joined(before, after), true);
    } catch (error) {
      if (!signal.aborted) store.setState({ loading: false, problem: asProblem(error) });
    }
  }

  async function grow(read: (bars: Bars, limit: number, signal: AbortSignal) => Promise<Bars>): Promise<void> {
    if (growing) return;
    growing = true;
    const { signal } = controller;
    try {
      const limit = store.getState().bars.time.length > LARGE_PAGE / 2 ? LARGE_PAGE : PAGE;
      const bars = await read(store.getState().bars, limit, signal);
      if (!signal.aborted) put(bars, false);
    } catch (error) {
      if (!signal.aborted) store.setState({ problem: asProblem(error) });
    } finally {
      if (!signal.aborted) growing = false;
    }
  }

  function earlier(): Promise<void> {
    if (!store.getState().hasEarlier) return Promise.resolve();
    return grow(async (bars, limit, signal) => {
      const all = joined(await source.before(bars.time[0] as number, limit, signal), bars);
      return cut(all, 0, MOST_BARS);
    });
  }

  function later(): Promise<void> {
    if (!store.getState().hasLater) return Promise.resolve();
    return grow(async (bars, limit, signal) => {
      const all = joined(bars, await source.from((bars.time.at(-1) as number) + 1, limit, signal));
      return cut(all, Math.max(0, all.time.length - MOST_BARS), all.time.length);
    });
  }

  return Object.assign(store, { openAt, earlier, later, close: () => controller.abort() });
}
