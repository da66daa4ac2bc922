import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { layersOf, neighbour, openTargets, placeKey, type StoredPrediction } from "@/features/annotate/layers";
import type { Annotation, Decision } from "@/features/annotations";
import { barsOf } from "@/features/candles";
import { isoTime } from "@/lib/times";

const HOUR = 3_600_000;
const prices = Array.from({ length: 50 }, (_, bar) => 100 + bar);
const BARS = barsOf({
  time: prices.map((_, bar) => isoTime(bar * HOUR)),
  open: prices,
  high: prices,
  low: prices,
  close: prices,
});

function annotation(key: string, label: string, first: number, last: number, origin: Annotation["origin"] = "human") {
  const place = { label, start: first * HOUR, end: last * HOUR };
  return { ...place, key, id: key, origin, revision: 1, flagged: false, unsaved: false } satisfies Annotation;
}

function prediction(id: string, label: string, first: number, last: number, more: Partial<StoredPrediction> = {}) {
  return {
    id,
    label,
    start_time: isoTime(first * HOUR),
    end_time: isoTime(last * HOUR),
    confidence: 0.7,
    probabilities: {},
    uncertainty: 0.1,
    model_version: "abc",
    provisional: false,
    out_of_fold: false,
    stale: false,
    ...more,
  } as StoredPrediction;
}

function decision(id: string, label: string, bar: number): Decision {
  const target = { kind: "prediction" as const, id, label, start: bar * HOUR, end: bar * HOUR };
  return {
    eventId: `event of ${id}`,
    verb: "dismiss",
    target: { ...target, confidence: null, modelVersion: null },
    correction: null,
    reason: "wrong_label",
    note: null,
    reviewItem: null,
    blind: false,
    seconds: null,
  };
}

const NOBODY: ReadonlyMap<string, Decision> = new Map();
const keys = (targets: readonly { key: string }[]) => targets.map((one) => one.key);

describe("what is left to decide", () => {
  it("is what nobody said or decided, in the order of time", () => {
    const annotations = [annotation("h", "doji", 1, 1), annotation("t", "star", 9, 11, "talib")];
    const predictions = [
      prediction("same as a person", "doji", 1, 1),
      prediction("other label", "star", 1, 1),
      prediction("same as TA-Lib", "star", 9, 11),
      prediction("decided before", "doji", 20, 20, { decided: "dismiss" }),
      prediction("decided here", "doji", 21, 21),
    ];
    const decided = new Map([["decided here", decision("decided here", "doji", 21)]]);
    expect(keys(openTargets(annotations, predictions, decided))).toEqual(["other label", "t"]);
  });

  it("is not what somebody was asked before, whoever said it then", () => {
    const predictions = [prediction("p", "doji", 5, 5), prediction("q", "star", 5, 5)];
    const marks = [annotation("t", "doji", 8, 8, "talib")];
    const decided = new Map([
      ["a mark of TA-Lib's", decision("a mark of TA-Lib's", "doji", 5)],
      ["a prediction", decision("a prediction", "doji", 8)],
    ]);
    expect(keys(openTargets(marks, predictions, decided))).toEqual(["q"]);
  });

  it("is gone through forth and back without leaving anything out", () => {
    const places = fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(places, (bars) => {
        const all = openTargets(
          [],
          bars.map((bar) => prediction(String(bar), "doji", bar, bar)),
          NOBODY,
        );
        const seen: string[] = [];
        for (
          let at = neighbour(all, { key: null, time: null }, 1);
          at;
          at = neighbour(all, { key: at.key, time: null }, 1)
        ) {
          seen.push(at.key);
        }
        expect(seen).toEqual(keys(all));
        const last = neighbour(all, { key: null, time: null }, -1);
        expect(last?.key).toBe(seen.at(-1));
      }),
    );
  });
});

describe("the layers of the chart", () => {
  const input = {
    bars: BARS,
    labels: new Map(),
    annotations: [
      annotation("h", "doji", 1, 2),
      annotation("t", "star", 9, 11, "talib"),
      annotation("x", "doji", 90, 91),
    ],
    predictions: [prediction("p", "doji", 3, 4), prediction("old", "doji", 5, 6, { stale: true })],
    disagreements: [],
    flags: new Map(),
    decided: NOBODY,
    showModel: true,
  };

  it("keep what people, TA-Lib and the model say apart, and leave out what is not loaded", () => {
    const layers = layersOf(input);
    expect(layers.human.map(({ key, first, last }) => [key, first, last])).toEqual([["h", 1, 2]]);
    expect(keys(layers.talib)).toEqual(["t"]);
    expect(layers.model.map(({ key, faint, confidence }) => [key, faint, confidence])).toEqual([
      ["p", false, 0.7],
      ["old", true, 0.7],
    ]);
  });

  it("show nothing of the model while it is hidden", () => {
    const { model, dispute, human } = layersOf({ ...input, showModel: false });
    expect([model.length, dispute.length, human.length]).toEqual([0, 0, 1]);
  });

  it("have a sign where somebody could not tell, until it is decided", () => {
    const places = [
      { label: "star", start: 9 * HOUR, end: 11 * HOUR },
      { label: "doji", start: 3 * HOUR, end: 4 * HOUR },
    ];
    const flags = new Map(places.map((one) => [placeKey(one.label, one), []]));
    const signs = (decided: typeof NOBODY) => {
      const { human, talib, model } = layersOf({ ...input, flags, decided });
      return [...human, ...talib, ...model].map(({ key, sign }) => [key, sign]);
    };
    expect(signs(NOBODY).map(([, sign]) => sign)).toEqual(["", "? ", "? ", "↻ "]);
    const both = new Map(["t", "p"].map((key) => [key, decision(key, "doji", 3)]));
    expect(signs(both).map(([, sign]) => sign)).toEqual(["", "", "", "↻ "]);
  });

  it("show all of the model faintly while the service is away", () => {
    const { model, human } = layersOf({ ...input, isOld: true });
    expect([...model, ...human].map(({ faint }) => faint)).toEqual([true, true, false]);
  });
});
