export { BINS, type Filterable, type Filters, hidesSomething, histogram, NO_FILTERS, passes, passing } from "./filters";
export { withFresh } from "./fresh";
export { PredictionPanel, type PredictionPanelProps } from "./panel";
export { type FreshPredictions, usePredictionsStore } from "./store";
