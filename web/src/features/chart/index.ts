export { CandleChart, type CandleChartProps } from "./candle-chart";
export {
  type ChartPort,
  type Hit,
  LANES,
  type Lane,
  type LayerSpan,
  type Layers,
  type Look,
  type Marks,
  NO_LAYERS,
  NO_MARKS,
  NO_SHADES,
  type Shades,
} from "./port";
