/** The colours of the page, for canvases, which no style sheet reaches. */
export type Palette = {
  readonly bg: string;
  readonly ink: string;
  readonly muted: string;
  readonly line: string;
  readonly grid: string;
  readonly candle: string;
  readonly rising: string;
  readonly falling: string;
  readonly human: string;
  readonly humanInk: string;
  readonly model: string;
  readonly dispute: string;
  readonly disputeInk: string;
  readonly talib: string;
  readonly reviewed: string;
  readonly test: string;
  readonly focus: string;
  /** Opacity of what lies behind candles. */
  readonly shade: number;
  readonly font: string;
};

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    bg: read("--bg"),
    ink: read("--ink"),
    muted: read("--muted"),
    line: read("--line"),
    grid: read("--grid"),
    candle: read("--candle"),
    rising: read("--rising"),
    falling: read("--falling"),
    human: read("--human"),
    humanInk: read("--human-ink"),
    model: read("--model"),
    dispute: read("--dispute"),
    disputeInk: read("--dispute-ink"),
    talib: read("--muted"),
    reviewed: read("--reviewed"),
    test: read("--test"),
    focus: read("--focus"),
    shade: Number(read("--shade")) || 0.08,
    font: getComputedStyle(document.body).fontFamily,
  };
}
