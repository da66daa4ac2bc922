import { describe, expect, it } from "vitest";

import { createCommands, type Scene } from "@/features/annotate/commands";
import { openTargets, type StoredPrediction } from "@/features/annotate/layers";
import type { ReadTargets } from "@/features/annotate/search";
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
async function page(
  predictions: readonly StoredPrediction[],
  readTargets: ReadTargets = nothing,
  review: Scene["review"] = null,
) {
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
    known: { start: 0, end: 20 * HOUR },
    readTargets,
    step: HOUR,
    ends: { first: 0, last: 59 * HOUR },
    isFiltered: false,
    painted: session.getState().chosen?.key ?? null,
    review,
  });
  await window.openAt(null);
  const commands = createCommands(window, store, session, scene);
  const message = () => session.getState().message?.text;
  const chosen = () => session.getState().chosen?.key ?? null;
  return { commands, session, store, scene, message, chosen };
}

const nothing: ReadTargets = async () => ({ targets: [], spans: 0 });

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

describe("a flag", () => {
  it("is saved with the note that was written, or with none, and asks nothing where there is nothing to flag", async () => {
    const { commands, session, store, message, chosen } = await page([
      prediction("a", "doji", 3),
      prediction("b", "star", 5),
    ]);
    commands.flag();
    expect(session.getState().mode.kind).toBe("choose");
    session.choose({ lane: "model", key: "a" });
    commands.flag();
    expect(session.getState().mode.kind).toBe("flag");
    commands.flagged(" a small body ");
    expect(message()).toBe("Doji flagged as unsure, 1 left around here");
    expect(chosen()).toBe("b");
    commands.flag();
    commands.flagged("  ");
    expect([...store.getState().decided.values()]).toMatchObject([
      { verb: "dismiss", reason: "unsure", note: "a small body" },
      { verb: "dismiss", reason: "unsure", note: null },
    ]);
  });
});

describe("in an item of the queue", () => {
  const item = { item: "item", blind: false };
  const three = [prediction("a", "doji", 3), prediction("b", "star", 5), prediction("c", "doji", 9)];

  it("goes back to what was skipped after the last one was decided", async () => {
    const { commands, session, message, chosen } = await page(three, nothing, item);
    session.choose({ lane: "model", key: "a" });
    commands.skip();
    commands.confirm();
    expect(chosen()).toBe("c");
    commands.confirm();
    expect(message()).toBe("Doji confirmed, 1 left around here");
    expect(chosen()).toBe("a");
    commands.confirm();
    expect(chosen()).toBeNull();
  });

  it("says so where nothing is left in a direction, and stays", async () => {
    const { commands, session, message, chosen } = await page(three, nothing, item);
    session.choose({ lane: "model", key: "c" });
    commands.skip();
    expect(message()).toBe("Nothing more to decide to the right");
    expect(chosen()).toBe("c");
  });
});

describe("the next thing to decide beyond what is there", () => {
  const far = { lane: "model", key: "far", label: "star", start: 50 * HOUR, end: 51 * HOUR } as const;
  const there: ReadTargets = async (range) => ({
    targets: far.end >= range.start && far.start <= range.end ? [far] : [],
    spans: 1,
  });

  it("is looked for up to the end of the series, and gone to", async () => {
    const { commands, session, message, chosen } = await page([prediction("a", "doji", 3)], there);
    session.choose({ lane: "model", key: "a" });
    commands.next(1);
    expect(message()).toBe("Looking for the next thing to decide");
    await expect.poll(chosen).toBe("far");
    expect(session.getState().cursor).toBe(far.end);
  });

  it("is gone to after the last decision here as well", async () => {
    const { commands, session, message, chosen } = await page([prediction("a", "doji", 3)], there);
    session.choose({ lane: "model", key: "a" });
    commands.confirm();
    await expect.poll(chosen).toBe("far");
    expect(message()).toBe("Doji confirmed, 0 left around here");
  });

  it("is said not to be when there is none", async () => {
    const { commands, message } = await page([]);
    commands.next(-1);
    expect(message()).toBe("Looking for the next thing to decide");
    await expect.poll(message).toBe("Nothing more to decide back to the first bar");
    commands.next(1);
    expect(message()).toBe("Looking for the next thing to decide");
    await expect.poll(message).toBe("Nothing more to decide up to the end of the series");
  });

  it("is not gone to when the person did something else meanwhile, or left", async () => {
    let answer: () => void = () => undefined;
    const slow: ReadTargets = (_range, signal) =>
      new Promise((resolve, reject) => {
        answer = () => resolve({ targets: [far], spans: 1 });
        signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    const { commands, session, message, chosen } = await page([prediction("a", "doji", 3)], slow);
    for (const leave of [() => session.choose({ lane: "model", key: "a" }), commands.cancel]) {
      session.choose(null);
      session.set({ cursor: 10 * HOUR });
      commands.next(1);
      leave();
      answer();
      await Promise.resolve();
      expect(chosen()).not.toBe("far");
      await expect.poll(() => session.getState().cursor).toBe(10 * HOUR);
    }
    expect(message()).toBe("Looked no further");
  });

  it("says why when the service does not answer", async () => {
    const { commands, message } = await page([], () => Promise.reject(new TypeError("away")));
    commands.next(1);
    await expect.poll(message).toBe("The page cannot reach its own server.");
  });
});
