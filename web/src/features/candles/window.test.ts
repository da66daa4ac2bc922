import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { barAt, barsOf, cut, firstFrom, joined, lastUntil } from "@/features/candles/bars";
import { type CandleSource, createCandleWindow, MOST_BARS } from "@/features/candles/window";
import { isoTime } from "@/lib/times";

const HOUR = 3_600_000;

function bars(times: number[]) {
  const prices = times.map((time) => time / HOUR);
  return barsOf({ time: times.map(isoTime), open: prices, high: prices, low: prices, close: prices, volume: prices });
}

function series(length: number): CandleSource & { ends: { first: number; last: number } } {
  const all = bars(Array.from({ length }, (_, i) => i * HOUR));
  return {
    ends: { first: 0, last: (length - 1) * HOUR },
    before: async (time, limit) => cut(all, Math.max(0, firstFrom(all, time) - limit), firstFrom(all, time)),
    from: async (time, limit) => cut(all, firstFrom(all, time), firstFrom(all, time) + limit),
  };
}

const times = fc
  .uniqueArray(fc.integer({ min: 0, max: 500 }), { maxLength: 60 })
  .map((hours) => hours.sort((a, b) => a - b).map((hour) => hour * HOUR));

describe("bars", () => {
  it("finds a bar by its time, and the ones beside a time that is none", () => {
    fc.assert(
      fc.property(times, fc.integer({ min: -1, max: 501 }), (all, hour) => {
        const moment = hour * HOUR;
        expect(barAt(bars(all), moment)).toBe(all.indexOf(moment));
        expect(firstFrom(bars(all), moment)).toBe(all.filter((time) => time < moment).length);
        expect(lastUntil(bars(all), moment)).toBe(all.filter((time) => time <= moment).length - 1);
      }),
    );
  });

  it("joins stretches that touch or overlap without a bar twice", () => {
    fc.assert(
      fc.property(times, fc.nat(60), fc.nat(60), (all, a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        const both = joined(bars(all.slice(0, end)), bars(all.slice(start)));
        expect([...both.time]).toEqual(all.slice(start).length > 0 ? all : all.slice(0, end));
        expect([...both.close]).toEqual([...both.time].map((time) => time / HOUR));
      }),
    );
  });
});

describe("the window of a long series", () => {
  it("opens at the last bars, whatever the length", async () => {
    const source = series(5_000);
    const window = createCandleWindow(source, source.ends);
    await window.openAt(null);
    const { bars: loaded, hasEarlier, hasLater } = window.getState();
    expect([loaded.time.length, hasEarlier, hasLater]).toEqual([1_000, true, false]);
    expect(loaded.time.at(-1)).toBe(source.ends.last);
  });

  it("opens around a time and grows to both ends without a hole", async () => {
    const source = series(30_000);
    const window = createCandleWindow(source, source.ends);
    await window.openAt(15_000 * HOUR);
    while (window.getState().hasEarlier) await window.earlier();
    while (window.getState().hasLater) await window.later();
    const { time } = window.getState().bars;
    expect(time.length).toBe(30_000);
    expect(time.every((value, index) => value === index * HOUR)).toBe(true);
  });

  it("forgets the far end when it holds too much, and reads it again", async () => {
    const source = series(MOST_BARS + 30_000);
    const window = createCandleWindow(source, source.ends);
    await window.openAt(null);
    while (window.getState().hasEarlier) await window.earlier();
    expect(window.getState().bars.time.length).toBe(MOST_BARS);
    expect(window.getState().hasLater).toBe(true);
    while (window.getState().hasLater) await window.later();
    expect(window.getState().bars.time.at(-1)).toBe(source.ends.last);
  });

  it("drops what an earlier jump asked for", async () => {
    const source = series(5_000);
    const window = createCandleWindow(source, source.ends);
    const first = window.openAt(0);
    await window.openAt(4_000 * HOUR);
    await first;
    expect(window.getState().jumps).toBe(1);
    expect(window.getState().bars.time[0]).toBe(3_000 * HOUR);
  });

  it("says when candles cannot be read", async () => {
    const broken = { before: () => Promise.reject(new TypeError("away")), from: () => Promise.reject(new Error()) };
    const window = createCandleWindow(broken, { first: 0, last: 10 });
    await window.openAt(null);
    expect(window.getState()).toMatchObject({ loading: false, problem: { code: "offline" } });
  });
});
