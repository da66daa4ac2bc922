import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { OpenTarget } from "@/features/annotate/layers";
import { findTarget, nearest } from "@/features/annotate/search";

const ENDS = { first: 0, last: 100_000 };

function target([start, length]: [number, number], n: number): OpenTarget {
  return { lane: "model", key: String(n), label: "doji", start, end: start + length };
}

const targets = fc
  .array(fc.tuple(fc.nat(99_000), fc.nat(900)), { maxLength: 30 })
  .map((places) => places.map(target).sort((a, b) => a.start - b.start || a.end - b.end || (a.key < b.key ? -1 : 1)));

/** Answers as the service does: with all that touches a range. */
function reader(all: readonly OpenTarget[], ranges: { start: number; end: number }[] = [], spans = 0) {
  return async (range: { start: number; end: number }) => {
    ranges.push(range);
    return { targets: all.filter((one) => one.end >= range.start && one.start <= range.end), spans };
  };
}

const { signal } = new AbortController();

describe("looking for the next thing to decide", () => {
  it("finds what would be found if all were there, whatever the steps", async () => {
    await fc.assert(
      fc.asyncProperty(
        targets,
        fc.nat(100_000),
        fc.constantFrom<1 | -1>(1, -1),
        fc.integer({ min: 50, max: 20_000 }),
        fc.constantFrom(0, 2_000, 10_000),
        async (all, from, direction, step, spans) => {
          const search = { direction, from, edge: from, ends: ENDS, step };
          expect(await findTarget(reader(all, [], spans), search, signal)).toEqual(nearest(all, from, direction));
        },
      ),
    );
  });

  it("goes through all of them, one after the other, forth and back", async () => {
    await fc.assert(
      fc.asyncProperty(targets, fc.constantFrom<1 | -1>(1, -1), async (all, direction) => {
        const seen: string[] = [];
        let from: OpenTarget | number = direction === 1 ? ENDS.first : ENDS.last;
        for (;;) {
          const edge: number = typeof from === "number" ? from : direction === 1 ? from.start : from.end;
          const found: OpenTarget | null = await findTarget(
            reader(all),
            { direction, from, edge, ends: ENDS, step: 700 },
            signal,
          );
          if (found === null) break;
          seen.push(found.key);
          from = found;
        }
        const keys = all.map((one) => one.key);
        expect(seen).toEqual(direction === 1 ? keys : keys.reverse());
      }),
    );
  });

  it("crosses what is empty in few steps", async () => {
    const ranges: { start: number; end: number }[] = [];
    const search = { direction: 1, from: 0, edge: 0, ends: ENDS, step: 100 } as const;
    expect(await findTarget(reader([], ranges), search, signal)).toBeNull();
    expect(ranges.length).toBe(10);
    expect(ranges.at(-1)?.end).toBeGreaterThanOrEqual(ENDS.last);
  });

  it("stops when it is told to", async () => {
    const controller = new AbortController();
    const read = async () => {
      controller.abort();
      return { targets: [], spans: 0 };
    };
    const search = { direction: 1, from: 0, edge: 0, ends: ENDS, step: 1 } as const;
    await expect(findTarget(read, search, controller.signal)).rejects.toThrow();
  });
});
