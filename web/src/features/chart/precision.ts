/** Digits after the point that a price may have on the axis: beyond, a price is only more or less exactly known. */
const MOST = 12;
/** Digits that tell one price from another; what files have beyond them is what arithmetic left behind. */
const SIGNIFICANT = 7;
const LOOKED_AT = 400;
/** Share of closes that may be written with more digits than the axis has. */
const ODD = 0.05;

/**
 * How many digits after the point the prices of a series have: as many as all but a few of its latest closes are written
 * with.
 *
 * A share that costs 640.12 has now and then a close of 640.125, which is no reason for three digits on the axis. A currency pair moves in its fifth digit and a coin may cost a millionth; on an axis of cents they would stand still.
 */
export function decimalsOf(prices: Float64Array): number {
  const latest = [...prices.subarray(-LOOKED_AT)].filter((price) => price > 0);
  const each = latest.map((price) => {
    const before = Math.floor(Math.log10(price)) + 1;
    const most = Math.min(MOST, Math.max(0, SIGNIFICANT - before));
    let decimals = 0;
    while (decimals < most && !isWrittenWith(price, decimals)) decimals++;
    return decimals;
  });
  return each.sort((a, b) => a - b).at(Math.ceil((1 - ODD) * each.length) - 1) ?? 0;
}

function isWrittenWith(price: number, decimals: number): boolean {
  return Math.abs(Number(price.toFixed(decimals)) - price) <= price * 1e-9;
}
