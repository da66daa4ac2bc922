export { type Bars, barAt, barsOf, firstFrom, lastUntil, NO_BARS } from "./bars";
export {
  type CandleSource,
  type CandleWindow,
  candleSource,
  createCandleWindow,
  FIRST_PAGE,
  type WindowState,
} from "./window";
