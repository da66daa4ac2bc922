import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { BINS, hidesSomething, histogram, NO_FILTERS, passing } from "./filters";
import { usePredictionsStore } from "./store";

const predictions = fc.array(
  fc.record({ label: fc.constantFrom("a", "b", "c"), confidence: fc.double({ min: 0, max: 1, noNaN: true }) }),
);

describe("the histogram of confidences", () => {
  it("counts each confidence once, in the bin that it lies in", () => {
    fc.assert(
      fc.property(predictions, (all) => {
        const counts = histogram(all.map((one) => one.confidence));
        expect(counts).toHaveLength(BINS);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(all.length);
      }),
    );
  });

  it("puts an edge into the upper bin and 1 into the last", () => {
    for (let bin = 0; bin < BINS; bin++) expect(histogram([bin / BINS])[bin]).toBe(1);
    expect(histogram([1])[BINS - 1]).toBe(1);
  });
});

describe("the filters", () => {
  it("let through exactly what is sure enough and of a label that is shown", () => {
    fc.assert(
      fc.property(predictions, fc.double({ min: 0, max: 1, noNaN: true }), (all, minConfidence) => {
        const shown = passing({ ...NO_FILTERS, hiddenLabels: ["b"], minConfidence }, all);
        expect(shown).toEqual(all.filter((one) => one.label !== "b" && one.confidence >= minConfidence));
      }),
    );
  });
});

describe("the store of the prediction layer", () => {
  const state = () => usePredictionsStore.getState();
  beforeEach(() => usePredictionsStore.setState({ ...NO_FILTERS, fresh: null }));

  it("hides and shows labels, and clears what hides something without touching whether the layer is on", () => {
    state().setLabelShown("a", false);
    state().setLabelShown("a", false);
    state().setMinConfidence(0.4);
    state().toggle();
    expect([state().hiddenLabels, state().minConfidence, state().shown]).toEqual([["a"], 0.4, false]);
    expect(hidesSomething(state())).toBe(true);
    state().clearFilters();
    expect([hidesSomething(state()), state().shown]).toEqual([false, false]);
  });

  it("keeps the least confidence between 0 and 1", () => {
    state().setMinConfidence(7);
    expect(state().minConfidence).toBe(1);
    state().setMinConfidence(Number.NaN);
    expect(state().minConfidence).toBe(0);
  });
});
