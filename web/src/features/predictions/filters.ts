/** What a filter looks at of a prediction. */
export type Filterable = { readonly label: string; readonly confidence: number };

export type Filters = {
  /** Whether predictions are shown at all (M). */
  readonly shown: boolean;
  /** Labels whose predictions are hidden. */
  readonly hiddenLabels: readonly string[];
  /** Least confidence of what is shown, 0 to 1. */
  readonly minConfidence: number;
};

export const NO_FILTERS: Filters = { shown: true, hiddenLabels: [], minConfidence: 0 };

/** Whether the filters let a prediction through; whether predictions are shown at all is another question. */
export function passes({ hiddenLabels, minConfidence }: Filters, one: Filterable): boolean {
  return one.confidence >= minConfidence && !hiddenLabels.includes(one.label);
}

export function passing<One extends Filterable>(filters: Filters, all: readonly One[]): One[] {
  return all.filter((one) => passes(filters, one));
}

export function hidesSomething({ hiddenLabels, minConfidence }: Filters): boolean {
  return hiddenLabels.length > 0 || minConfidence > 0;
}

export const BINS = 20;

/**
 * Count confidences in bins of equal width: a true histogram, nothing smoothed.
 *
 * A confidence on the edge of two bins counts in the upper one, 1 in the last.
 */
export function histogram(confidences: readonly number[], bins = BINS): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const confidence of confidences) {
    // 0.15 * 20 is 2.9999999999999996: without the rounding an edge would fall into the bin below.
    const bin = Math.min(bins - 1, Math.max(0, Math.floor(Number((confidence * bins).toFixed(9)))));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
