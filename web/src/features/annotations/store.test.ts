import { describe, expect, it, vi } from "vitest";
import { Problem } from "@/api/errors";
import type { Document, Saved, SavedRange } from "@/features/annotations/document";
import type { Outbox } from "@/features/annotations/outbox";
import type { AnnotationService, Outcome } from "@/features/annotations/service";
import { createAnnotationStore } from "@/features/annotations/store";
import type { Op, Place, Target } from "@/features/annotations/types";

const DOJI: Place = { label: "doji", start: 1000, end: 2000 };
const STAR: Place = { label: "star", start: 1000, end: 3000 };
const ALL = { start: 0, end: 10_000 };
const PREDICTION: Target = { ...DOJI, kind: "prediction", id: "p1", confidence: 0.7, modelVersion: "abc" };

/** A service in memory that holds annotations with revisions, as the real one does, and can be away. */
class MemoryService implements AnnotationService {
  rows = new Map<string, Saved>();
  ranges: SavedRange[] = [];
  ops: Op[] = [];
  isAway = false;
  private count = 0;

  async read() {
    return { annotations: [...this.rows.values()], reviewed: this.ranges };
  }

  async send(op: Op, document: Document): Promise<Outcome> {
    await Promise.resolve();
    if (this.isAway) return { kind: "away", problem: new Problem(503, { code: "service_unreachable" }) };
    this.ops.push(op);
    if (op.op === "create")
      return this.taken({ ...op.place, id: this.id(), origin: "human", revision: 1, flagged: false });
    if (op.op === "decide") {
      const { verb, target, correction, reason } = op.decision;
      if (verb === "dismiss" && reason === "wrong_label" && target.id === "decided") {
        return { kind: "refused", code: "conflict", message: "Somebody decided here before.", current: null };
      }
      if (target.kind === "annotation") this.rows.delete(target.id);
      const place = verb === "confirm" ? target : correction;
      if (!place) return { kind: "taken", effect: {} };
      const { label, start, end } = place;
      return this.taken({ label, start, end, id: this.id(), origin: "confirmed", revision: 1, flagged: false });
    }
    if (op.op === "change" || op.op === "delete") {
      const id = document.idOf.get(op.key) ?? op.key;
      const row = this.rows.get(id);
      if (!row || (op.base !== null && row.revision !== op.base)) {
        const current = row
          ? ({ kind: "annotation", id, label: row.label, revision: row.revision, deleted: false } as const)
          : null;
        return { kind: "refused", code: "outdated", message: "Changed meanwhile.", current };
      }
      if (op.op === "delete") {
        this.rows.delete(id);
        return { kind: "taken", effect: {} };
      }
      return this.taken({ ...row, ...op.place, revision: row.revision + 1 });
    }
    if (op.op === "take-back" && op.decision.target.kind === "annotation") {
      const { id, label, start, end } = op.decision.target;
      return this.taken({ id, label, start, end, origin: "talib", revision: 1, flagged: false });
    }
    return { kind: "taken", effect: {} };
  }

  private taken(annotation: Saved): Outcome {
    this.rows.set(annotation.id, annotation);
    return { kind: "taken", effect: { annotation } };
  }

  private id(): string {
    this.count += 1;
    return `id-${this.count}`;
  }
}

class MemoryOutbox implements Outbox {
  ops: readonly Op[];
  constructor(ops: readonly Op[] = []) {
    this.ops = ops;
  }
  async load() {
    return [...this.ops];
  }
  save(ops: readonly Op[]) {
    this.ops = ops;
  }
}

function opened() {
  const service = new MemoryService();
  const outbox = new MemoryOutbox();
  const store = createAnnotationStore(service, outbox);
  const saved = () => vi.waitFor(() => expect(store.getState().save).toBe("saved"), 60_000);
  const places = () => store.getState().annotations.map(({ label, start, end }) => ({ label, start, end }));
  return { service, outbox, store, saved, places };
}

const rows = (service: MemoryService) =>
  [...service.rows.values()].map(({ label, start, end }) => ({ label, start, end }));

describe("editing", () => {
  it("shows a span at once and says that it is unsaved until the service has it", async () => {
    const { service, store, saved, places } = opened();
    store.create(DOJI);
    expect(places()).toEqual([DOJI]);
    expect(store.getState()).toMatchObject({ save: "saving", unsaved: 1 });
    expect(store.getState().annotations[0]?.unsaved).toBe(true);
    await saved();
    expect(store.getState()).toMatchObject({ unsaved: 0 });
    expect(store.getState().annotations[0]?.unsaved).toBe(false);
    expect(rows(service)).toEqual([DOJI]);
  });

  it("keeps the key of a span when the service has given it an id", async () => {
    const { store, saved } = opened();
    const key = store.create(DOJI);
    await saved();
    await store.read(ALL);
    expect(store.getState().annotations.map((one) => one.key)).toEqual([key]);
    store.change(key, STAR);
    store.remove(key);
    await saved();
    expect(store.getState().troubles).toEqual([]);
    expect(store.getState().annotations).toEqual([]);
  });

  it("undoes and redoes everything, whether it was saved meanwhile or not", async () => {
    const { service, store, saved, places } = opened();
    const key = store.create(DOJI);
    await saved();
    store.change(key, STAR);
    store.remove(key);
    expect(places()).toEqual([]);
    store.undo();
    expect(places()).toEqual([STAR]);
    await saved();
    store.undo();
    expect(places()).toEqual([DOJI]);
    store.undo();
    expect(places()).toEqual([]);
    expect(store.undo()).toBeNull();
    store.redo();
    store.redo();
    await saved();
    expect(rows(service)).toEqual([STAR]);
    store.redo();
    await saved();
    expect(rows(service)).toEqual([]);
    expect(store.getState().troubles).toEqual([]);
  });

  it("sends nothing for a span that came and went before anything was sent", async () => {
    const { service, store, saved } = opened();
    service.isAway = true;
    store.create(STAR);
    await vi.waitFor(() => expect(store.getState().save).toBe("away"));
    const key = store.create(DOJI);
    store.change(key, STAR);
    store.remove(key);
    service.isAway = false;
    store.retry();
    await saved();
    expect(service.ops.map((op) => op.op)).toEqual(["create"]);
  });
});

describe("when the service is away", () => {
  it("keeps edits in the outbox and sends them when it is back", async () => {
    const { service, outbox, store, saved, places } = opened();
    service.isAway = true;
    store.create(DOJI);
    await vi.waitFor(() => expect(store.getState().save).toBe("away"));
    expect(store.getState().retryAt).toBeGreaterThan(Date.now());
    store.create({ ...STAR, start: 5000, end: 6000 });
    expect(places()).toHaveLength(2);
    expect(outbox.ops).toHaveLength(2);
    service.isAway = false;
    store.retry();
    expect(store.getState().retryAt).toBeNull();
    await saved();
    expect(rows(service)).toHaveLength(2);
    expect(outbox.ops).toEqual([]);
  });

  it("takes up what an earlier page left", async () => {
    const { service, outbox, store } = opened();
    service.isAway = true;
    store.create(DOJI);
    await vi.waitFor(() => expect(store.getState().save).toBe("away"));
    store.close();
    service.isAway = false;
    const next = createAnnotationStore(service, new MemoryOutbox(outbox.ops));
    await next.open();
    expect(next.getState().annotations).toHaveLength(1);
    await vi.waitFor(() => expect(rows(service)).toEqual([DOJI]), 60_000);
  });
});

describe("when somebody else edits the same span", () => {
  async function conflicting() {
    const all = opened();
    const key = all.store.create(DOJI);
    await all.saved();
    const row = [...all.service.rows.values()][0] as Saved;
    all.service.rows.set(row.id, { ...row, label: "hammer", revision: 2 });
    all.store.change(key, STAR);
    await all.saved();
    return { ...all, key, id: row.id };
  }

  it("shows the conflict and overwrites nothing", async () => {
    const { service, store, id } = await conflicting();
    expect(service.rows.get(id)?.label).toBe("hammer");
    expect(store.getState().troubles).toMatchObject([{ code: "outdated", current: { label: "hammer", revision: 2 } }]);
    await store.read(ALL);
    expect(store.getState().annotations[0]?.label).toBe("hammer");
  });

  it("lets the person keep their own", async () => {
    const { service, store, saved, id } = await conflicting();
    store.keepMine(store.getState().troubles[0]?.op.n ?? "");
    await saved();
    expect(service.rows.get(id)).toMatchObject({ ...STAR, revision: 3 });
    expect(store.getState().troubles).toEqual([]);
  });

  it("lets the person take theirs", async () => {
    const { service, store, id } = await conflicting();
    store.takeTheirs(store.getState().troubles[0]?.op.n ?? "");
    expect(store.getState().troubles).toEqual([]);
    expect(service.rows.get(id)?.label).toBe("hammer");
  });
});

describe("deciding", () => {
  const nothing = { correction: null, reason: null, note: null, reviewItem: null, blind: false, seconds: null };

  it("shows a confirmed prediction as an annotation at once, and undo takes it back", async () => {
    const { store, saved, places } = opened();
    store.decide({ ...nothing, verb: "confirm", target: PREDICTION });
    expect(places()).toEqual([DOJI]);
    expect(store.getState().decided.get("p1")?.verb).toBe("confirm");
    await saved();
    expect(places()).toEqual([DOJI]);
    expect(store.undoDecision()?.target.id).toBe("p1");
    await saved();
    expect(places()).toEqual([]);
    expect(store.getState().decided.has("p1")).toBe(false);
    expect(store.undoDecision()).toBeNull();
  });

  it("puts TA-Lib's mark away when it is decided on, and undo brings it back", async () => {
    const { service, store, saved, places } = opened();
    service.rows.set("t1", { ...DOJI, id: "t1", origin: "talib", revision: 1, flagged: false });
    await store.read(ALL);
    service.isAway = true;
    const target = { ...DOJI, kind: "annotation" as const, id: "t1", confidence: null, modelVersion: null };
    store.decide({ ...nothing, verb: "correct", target, correction: STAR });
    expect(places()).toEqual([STAR]);
    store.undoDecision();
    service.isAway = false;
    store.retry();
    await saved();
    expect(places()).toContainEqual(DOJI);
  });

  it("says when the service did not take a decision, and shows the prediction as open again", async () => {
    const { store, saved } = opened();
    const target = { ...PREDICTION, id: "decided" };
    store.decide({ ...nothing, verb: "dismiss", reason: "wrong_label", target });
    await saved();
    expect(store.getState().troubles).toMatchObject([{ code: "conflict" }]);
    expect(store.getState().decided.has("decided")).toBe(false);
    expect(store.undoDecision()).toBeNull();
  });

  it("does a decision again under a new event id", async () => {
    const { service, store, saved } = opened();
    store.decide({ ...nothing, verb: "confirm", target: PREDICTION });
    await saved();
    store.undo();
    await saved();
    store.redo();
    await saved();
    const ids = service.ops.flatMap((op) => (op.op === "decide" ? [op.decision.eventId] : []));
    expect(new Set(ids).size).toBe(2);
    store.undo();
    await saved();
    expect(store.getState().annotations).toEqual([]);
  });
});
