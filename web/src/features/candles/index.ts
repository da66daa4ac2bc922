export { type Bars, barAt, barsOf, firstFrom, lastUntil, NO_BARS } from "./bars";
export { type CandleWindow, candleSource, createCandleWindow, type WindowState } from "./window";
