import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  between,
  contains,
  fitted,
  inside,
  iou,
  lengthOf,
  moveEdge,
  overlaps,
  shift,
} from "@/features/annotations/spans";

const BARS = 60;
const bar = fc.integer({ min: 0, max: BARS - 1 });
const span = fc.tuple(bar, bar).map(([a, b]) => between(a, b));
const edge = fc.constantFrom("start" as const, "end" as const);

describe("spans of bars", () => {
  it("counts both ends in", () => {
    expect(lengthOf({ first: 3, last: 3 })).toBe(1);
    expect(iou({ first: 0, last: 2 }, { first: 1, last: 3 })).toBe(0.5);
  });

  it("has an IoU that is symmetric, 1 exactly for equal spans and above 0 exactly where they overlap", () => {
    fc.assert(
      fc.property(span, span, (a, b) => {
        expect(iou(a, b)).toBe(iou(b, a));
        expect(iou(a, b) === 1).toBe(a.first === b.first && a.last === b.last);
        expect(iou(a, b) > 0).toBe(overlaps(a, b));
      }),
    );
  });

  it("moves an edge without losing the span, leaving the window or touching the other edge", () => {
    fc.assert(
      fc.property(span, edge, fc.integer({ min: -100, max: 100 }), (one, which, by) => {
        const moved = moveEdge(one, which, by, BARS);
        expect(lengthOf(moved)).toBeGreaterThanOrEqual(1);
        expect(moved.first).toBeGreaterThanOrEqual(0);
        expect(moved.last).toBeLessThan(BARS);
        if (which === "start") expect(moved.last).toBe(one.last);
        else expect(moved.first).toBe(one.first);
      }),
    );
  });

  it("moves a whole span without changing its length", () => {
    fc.assert(
      fc.property(span, fc.integer({ min: -100, max: 100 }), (one, by) => {
        const moved = shift(one, by, BARS);
        expect(lengthOf(moved)).toBe(lengthOf(one));
        expect(moved).toEqual(inside(moved, BARS));
      }),
    );
  });

  it("gives a label of fixed length its bars, ending where the person pointed wherever there is room", () => {
    fc.assert(
      fc.property(span, fc.integer({ min: 1, max: 5 }), (one, length) => {
        const fit = fitted(one, length, BARS);
        expect(lengthOf(fit)).toBe(length);
        if (one.last >= length - 1) expect(fit.last).toBe(one.last);
        expect(contains(fit, one.last) || one.last < length).toBe(true);
      }),
    );
    expect(fitted({ first: 3, last: 9 }, null, BARS)).toEqual({ first: 3, last: 9 });
  });
});
