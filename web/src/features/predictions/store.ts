import { create } from "zustand";

import type { Schemas } from "@/api/client";

import { type Filters, NO_FILTERS } from "./filters";

/** What "predict this range now" found: on the candles of this moment, by the served model, and stored nowhere. */
export type FreshPredictions = {
  readonly seriesId: string;
  readonly labelSet: string;
  readonly modelVersion: string;
  /** Bar-open times of the first and last candle asked for. */
  readonly startTime: string;
  readonly endTime: string;
  readonly predictions: readonly Schemas["Prediction"][];
};

type PredictionsState = Filters & {
  readonly fresh: FreshPredictions | null;
  show: (shown: boolean) => void;
  toggle: () => void;
  setMinConfidence: (value: number) => void;
  setLabelShown: (label: string, shown: boolean) => void;
  clearFilters: () => void;
  setFresh: (fresh: FreshPredictions | null) => void;
};

/** The filters of the prediction layer and what was predicted just now; the chart and the panel both read it. */
export const usePredictionsStore = create<PredictionsState>((set) => ({
  ...NO_FILTERS,
  fresh: null,
  show: (shown) => set({ shown }),
  toggle: () => set(({ shown }) => ({ shown: !shown })),
  setMinConfidence: (value) => set({ minConfidence: Math.min(1, Math.max(0, Number.isFinite(value) ? value : 0)) }),
  setLabelShown: (label, shown) =>
    set(({ hiddenLabels }) => ({
      hiddenLabels: shown
        ? hiddenLabels.filter((one) => one !== label)
        : hiddenLabels.includes(label)
          ? hiddenLabels
          : [...hiddenLabels, label],
    })),
  clearFilters: () => set({ hiddenLabels: [], minConfidence: 0 }),
  setFresh: (fresh) => set({ fresh }),
}));
