import { describe, expect, it } from "vitest";

import { createCommands, type Scene } from "@/features/annotate/commands";
import { openTargets, type StoredPrediction } from "@/features/annotate/layers";
import { createSession } from "@/features/annotate/session";
import { createAnnotationStore } from "@/features/annotations";
import { createCandleWindow } from "@/features/candles";
import { barsOf, cut, firstFrom } from "@/features/candles/bars";
import { isoTime } from "@/lib/times";

const HOUR = 3_600_000;
const prices = Array.from({ length: 60 }, (_, bar) => 100 + bar);
const BARS = barsOf({
  time: prices.map((_, bar) => isoTime(bar * HOUR)),
  open: prices,
  high: prices,
  low: prices,
  close: prices,
});
const SOURCE = {
  before: async (time: number) => cut(BARS, 0, firstFrom(BARS, time)),
  from: async (time: number) => cut(BARS, firstFrom(BARS, time), BARS.time.length),
};

function prediction(id: string, label: string, bar: number): StoredPrediction {
  const moment = isoTime(bar * HOUR);
  return {
    id,
    label,
    start_time: moment,
    end_time: moment,
    confidence: 0.7,
    probabilities: {},
    uncertainty: 0.1,
    model_version: "abc",
    provisional: false,
    out_of_fold: false,
    stale: false,
  };
}

/** The page's commands over a store whose service takes everything, with the chosen span painted at once. */
async function page(predictions: readonly StoredPrediction[]) {
  const window = createCandleWindow(SOURCE, { first: 0, last: 59 * HOUR });
  const service = {
    read: async () => ({ annotations: [], reviewed: [] }),
    send: async () => ({ kind: "taken", effect: {} }) as const,
  };
  const store = createAnnotationStore(service, { load: async () => [], save: () => undefined });
  const session = createSession();
  const scene = (): Scene => ({
    port: null,
    labels: ["doji", "star"].map((name) => ({ name, code: name.slice(0, 3), colour: "#000", hotkey: null, bars: 1 })),
    predictions: new Map(predictions.map((one) => [one.id, one])),
    disagreements: [],
    targets: () => openTargets(store.getState().annotations, predictions, store.getState().decided),
    painted: session.getState().chosen?.key ?? null,
    review: null,
  });
  await window.openAt(null);
  const commands = createCommands(window, store, session, scene);
  const message = () => session.getState().message?.text;
  const chosen = () => session.getState().chosen?.key ?? null;
  return { commands, session, store, scene, message, chosen };
}

describe("what is left after a decision", () => {
  it("is one less", async () => {
    const { commands, session, message, chosen } = await page([
      prediction("a", "doji", 3),
      prediction("b", "star", 3),
      prediction("c", "doji", 9),
    ]);
    session.choose({ lane: "model", key: "a" });
    commands.confirm();
    expect(message()).toBe("Doji confirmed, 2 left around here");
    expect(chosen()).toBe("b");
  });

  it("is less by all that the decision settles, and none of them is gone to", async () => {
    const { commands, session, scene, message, chosen } = await page([
      prediction("a", "doji", 3),
      prediction("b", "star", 3),
      prediction("c", "doji", 9),
    ]);
    session.choose({ lane: "model", key: "a" });
    // What is said here now is what the model says with `b`, too.
    commands.giveLabel({ name: "star", code: "STR", colour: "#000", hotkey: "2", bars: 1 });
    expect(message()).toBe("Doji corrected, 1 left around here");
    expect(scene().targets()).toHaveLength(1);
    expect(chosen()).toBe("c");
  });

  it("goes on from where it was, not back to what was skipped there", async () => {
    const { commands, session, chosen } = await page([
      prediction("a", "doji", 3),
      prediction("b", "star", 3),
      prediction("c", "doji", 9),
    ]);
    session.choose({ lane: "model", key: "a" });
    commands.skip();
    commands.confirm();
    expect(chosen()).toBe("c");
  });
});
