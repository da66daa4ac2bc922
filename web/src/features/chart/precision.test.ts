import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { decimalsOf } from "@/features/chart/precision";

describe("the digits after the point of a series' prices", () => {
  it.each([
    [[1.17432, 1.1744, 1.17451], 5],
    [[72_000.5, 71_999.25], 2],
    [[184_000, 183_250], 0],
    [[0.000_001_23], 8],
    [[131_234.000_000_02], 0],
    [[1 / 3], 7],
    [[], 0],
    [[Number.NaN, 12.5], 1],
    [[...Array.from({ length: 39 }, (_, cent) => 640.01 + cent / 100), 640.125], 2],
  ])("are as many as the prices are written with: %j has %i", (prices, decimals) => {
    expect(decimalsOf(new Float64Array(prices))).toBe(decimals);
  });

  it("show whatever a person can have typed as it was typed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999 }), fc.integer({ min: 0, max: 6 }), (digits, decimals) => {
        const price = Number((digits / 10 ** decimals).toFixed(decimals));
        expect(Number(price.toFixed(decimalsOf(new Float64Array([price]))))).toBe(price);
      }),
    );
  });
});
