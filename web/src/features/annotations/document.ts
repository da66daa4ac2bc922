import type { Annotation, Decision, Op, Place, Range, ReviewedRange } from "@/features/annotations/types";

/** An annotation as the service has it. */
export type Saved = Omit<Annotation, "key" | "unsaved" | "id"> & { readonly id: string };
export type SavedRange = Omit<ReviewedRange, "key" | "unsaved" | "id"> & { readonly id: string };

/**
 * What is known of one series and label set: what the service said, and what it has not been told yet.
 *
 * The page shows {@link view}, the first with the second on top.
 */
export type Document = {
  readonly saved: ReadonlyMap<string, Saved>;
  readonly reviewed: ReadonlyMap<string, SavedRange>;
  readonly pending: readonly Op[];
  /** Ids of what this page made, by the key it is shown under, and back. */
  readonly idOf: ReadonlyMap<string, string>;
  readonly keyOf: ReadonlyMap<string, string>;
  /** Decisions that the service took, by target. */
  readonly decided: ReadonlyMap<string, Decision>;
  /** Targets whose decision was taken back here; what was read before may still call them decided. */
  readonly reopened: ReadonlySet<string>;
};

export const EMPTY_DOCUMENT: Document = {
  saved: new Map(),
  reviewed: new Map(),
  pending: [],
  idOf: new Map(),
  keyOf: new Map(),
  decided: new Map(),
  reopened: new Set(),
};

export type View = {
  /** By start, then end. */
  readonly annotations: readonly Annotation[];
  readonly byKey: ReadonlyMap<string, Annotation>;
  readonly reviewed: readonly ReviewedRange[];
  /** By target, those on their way too. */
  readonly decided: ReadonlyMap<string, Decision>;
  readonly reopened: ReadonlySet<string>;
};

/** Key under which a decision's annotation is shown. */
export function keyOfEvent(eventId: string): string {
  return `event:${eventId}`;
}

export function view(document: Document): View {
  const byKey = new Map<string, Annotation>();
  for (const one of document.saved.values()) {
    const key = document.keyOf.get(one.id) ?? one.id;
    byKey.set(key, { ...one, key, unsaved: false });
  }
  const reviewed = new Map<string, ReviewedRange>();
  for (const one of document.reviewed.values()) {
    const key = document.keyOf.get(one.id) ?? one.id;
    reviewed.set(key, { ...one, key, unsaved: false });
  }
  const decided = new Map(document.decided);
  const putAway = new Map<string, Annotation>();
  const reopened = new Set(document.reopened);
  for (const op of document.pending) {
    apply(op, byKey, reviewed, decided, putAway);
    reopen(reopened, op);
  }
  const annotations = [...byKey.values()].sort(
    (a, b) => a.start - b.start || a.end - b.end || (a.key < b.key ? -1 : 1),
  );
  return { annotations, byKey, reviewed: [...reviewed.values()].sort((a, b) => a.start - b.start), decided, reopened };
}

function apply(
  op: Op,
  byKey: Map<string, Annotation>,
  reviewed: Map<string, ReviewedRange>,
  decided: Map<string, Decision>,
  putAway: Map<string, Annotation>,
): void {
  switch (op.op) {
    case "create":
      byKey.set(op.key, fresh(op.key, op.place, "human"));
      break;
    case "change": {
      const before = byKey.get(op.key) ?? fresh(op.key, op.was, "human");
      byKey.set(op.key, { ...before, ...op.place, origin: "human", flagged: false, unsaved: true });
      break;
    }
    case "delete":
      byKey.delete(op.key);
      break;
    case "review":
      reviewed.set(op.key, { ...op.range, key: op.key, id: null, labels: null, unsaved: true });
      break;
    case "unreview":
      reviewed.delete(op.key);
      break;
    case "decide": {
      const { decision } = op;
      decided.set(decision.target.id, decision);
      const key = keyOfEvent(decision.eventId);
      if (decision.verb === "confirm") byKey.set(key, fresh(key, decision.target, "confirmed"));
      if (decision.correction) byKey.set(key, fresh(key, decision.correction, "corrected"));
      const target = byKey.get(decision.target.id);
      if (target && putsAway(decision)) {
        putAway.set(decision.eventId, target);
        byKey.delete(decision.target.id);
      }
      if (decision.reason === "nothing_here") {
        reviewed.set(key, { ...rangeOf(decision.target), key, id: null, labels: null, unsaved: true });
      }
      break;
    }
    case "take-back": {
      const key = keyOfEvent(op.eventId);
      decided.delete(op.decision.target.id);
      byKey.delete(key);
      reviewed.delete(key);
      const target = putAway.get(op.eventId);
      if (target) byKey.set(target.key, target);
      break;
    }
  }
}

function reopen(reopened: Set<string>, op: Op): void {
  if (op.op === "decide") reopened.delete(op.decision.target.id);
  if (op.op === "take-back") reopened.add(op.decision.target.id);
}

/** Whether TA-Lib's mark goes once it is decided on like this. */
export function putsAway({ verb, reason }: Pick<Decision, "verb" | "reason">): boolean {
  return verb !== "dismiss" || reason === "nothing_here" || reason === "wrong_label";
}

function fresh(key: string, place: Place, origin: Annotation["origin"]): Annotation {
  const { label, start, end } = place;
  return { key, id: null, label, start, end, origin, revision: 1, flagged: false, unsaved: true };
}

function rangeOf({ start, end }: Range): Range {
  return { start, end };
}

/** Take in what the service has on the bars of a range: what it does not have there any more is gone. */
export function received(
  document: Document,
  range: Range,
  annotations: readonly Saved[],
  reviewed: readonly SavedRange[],
): Document {
  return {
    ...document,
    saved: replaced(document.saved, range, annotations),
    reviewed: replaced(document.reviewed, range, reviewed),
  };
}

function replaced<One extends Range & { readonly id: string }>(
  known: ReadonlyMap<string, One>,
  range: Range,
  rows: readonly One[],
): ReadonlyMap<string, One> {
  const next = new Map<string, One>();
  for (const one of known.values()) {
    if (one.end < range.start || one.start > range.end) next.set(one.id, one);
  }
  for (const one of rows) next.set(one.id, one);
  return next;
}

/**
 * Add an op to what waits.
 *
 * An edit of what was never sent only changes what will be sent; `started` names the op that is on its way already.
 */
export function enqueued(document: Document, op: Op, started: string | null): Document {
  const { pending } = document;
  const open = (one: Op) => one.n !== started;
  if (op.op === "delete" || op.op === "change") {
    const last = pending.findLast((one) => "key" in one && one.key === op.key);
    if (last?.op === "create" && open(last)) {
      return op.op === "delete" ? leaveOut(document, last) : exchange(document, last, { ...last, place: op.place });
    }
    if (last?.op === "change" && open(last)) {
      return exchange(document, last, { ...op, was: last.was, base: last.base });
    }
    return { ...document, pending: [...pending, last ? { ...op, base: null } : op] };
  }
  if (op.op === "take-back") {
    const made = pending.find((one) => one.op === "decide" && one.decision.eventId === op.eventId);
    if (made && open(made)) {
      return leaveOut({ ...document, reopened: new Set([...document.reopened, op.decision.target.id]) }, made);
    }
  }
  if (op.op === "unreview") {
    const made = pending.find((one) => one.op === "review" && one.key === op.key);
    if (made && open(made)) return leaveOut(document, made);
  }
  return { ...document, pending: [...pending, op] };
}

function leaveOut(document: Document, op: Op): Document {
  return { ...document, pending: document.pending.filter((one) => one !== op) };
}

function exchange(document: Document, op: Op, by: Op): Document {
  return { ...document, pending: document.pending.map((one) => (one === op ? by : one)) };
}

/** What the service answered to an op that it took. */
export type Effect = {
  readonly annotation?: Saved;
  readonly range?: SavedRange;
};

/** Move an op from what waits to what is saved. */
export function settled(document: Document, op: Op, effect: Effect): Document {
  const pending = document.pending.filter((one) => one.n !== op.n);
  const saved = new Map(document.saved);
  const reviewed = new Map(document.reviewed);
  const idOf = new Map(document.idOf);
  const keyOf = new Map(document.keyOf);
  const decided = new Map(document.decided);
  const key = op.op === "decide" ? keyOfEvent(op.decision.eventId) : op.op === "take-back" ? "" : op.key;
  const id = idOf.get(key) ?? key;
  if (effect.annotation) {
    saved.set(effect.annotation.id, effect.annotation);
    if (op.op !== "take-back" && key !== effect.annotation.id) {
      idOf.set(key, effect.annotation.id);
      keyOf.set(effect.annotation.id, key);
    }
  }
  if (effect.range) {
    reviewed.set(effect.range.id, effect.range);
    idOf.set(key, effect.range.id);
    keyOf.set(effect.range.id, key);
  }
  if (op.op === "delete") saved.delete(id);
  if (op.op === "unreview") reviewed.delete(id);
  if (op.op === "decide") {
    decided.set(op.decision.target.id, op.decision);
    if (putsAway(op.decision)) saved.delete(op.decision.target.id);
  }
  if (op.op === "take-back") {
    decided.delete(op.decision.target.id);
    const made = idOf.get(keyOfEvent(op.eventId));
    if (made) {
      saved.delete(made);
      reviewed.delete(made);
    }
  }
  const reopened = new Set(document.reopened);
  reopen(reopened, op);
  // What waits behind it was made on the revision that this op has just written.
  const revision = effect.annotation?.revision;
  const next = pending.map((one, index) => {
    const first = pending.findIndex((other) => "key" in other && "key" in one && other.key === one.key) === index;
    return first && (one.op === "change" || one.op === "delete") && one.key === key && one.base === null && revision
      ? { ...one, base: revision }
      : one;
  });
  return { ...document, saved, reviewed, pending: next, idOf, keyOf, decided, reopened };
}

/** Give up ops: those named, and what was built on them. */
export function dropped(document: Document, op: Op): Document {
  const key = "key" in op ? op.key : op.op === "decide" ? keyOfEvent(op.decision.eventId) : null;
  const after = document.pending.findIndex((one) => one.n === op.n);
  const pending = document.pending.filter(
    (one, index) => one.n !== op.n && !(index > after && "key" in one && key !== null && one.key === key),
  );
  return { ...document, pending };
}
