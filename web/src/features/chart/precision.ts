/** Digits after the point that a price may have on the axis: beyond, a price is only more or less exactly known. */
const MOST = 12;
/** Digits that tell one price from another; what files have beyond them is what arithmetic left behind. */
const SIGNIFICANT = 7;
const LOOKED_AT = 400;

/**
 * How many digits after the point the prices of a series have: as many as its latest closes are written with.
 *
 * A currency pair moves in its fifth digit and a coin may cost a millionth; on an axis of cents they would stand still.
 */
export function decimalsOf(prices: Float64Array): number {
  let decimals = 0;
  for (const price of prices.subarray(-LOOKED_AT)) {
    if (!(price > 0)) continue;
    const before = Math.floor(Math.log10(price)) + 1;
    const most = Math.min(MOST, Math.max(0, SIGNIFICANT - before));
    while (decimals < most && !isWrittenWith(price, decimals)) decimals++;
  }
  return decimals;
}

function isWrittenWith(price: number, decimals: number): boolean {
  return Math.abs(Number(price.toFixed(decimals)) - price) <= price * 1e-9;
}
