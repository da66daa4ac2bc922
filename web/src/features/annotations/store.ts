import { createStore, type StoreApi } from "zustand/vanilla";

import {
  type Document,
  dropped,
  EMPTY_DOCUMENT,
  enqueued,
  received,
  settled,
  type View,
  view,
} from "@/features/annotations/document";
import { back, EMPTY, forth, type History, record, without } from "@/features/annotations/history";
import type { Outbox } from "@/features/annotations/outbox";
import type { AnnotationService } from "@/features/annotations/service";
import type { Decision, Op, Place, Range, Trouble } from "@/features/annotations/types";

/** Something the person did, as what undo and redo need. */
export type Act =
  | { readonly act: "edit"; readonly key: string; readonly before: Place | null; readonly after: Place | null }
  | { readonly act: "review"; readonly key: string; readonly range: Range; readonly added: boolean }
  | { readonly act: "decide"; readonly decision: Decision };

/** `away`: the service does not answer, and the page goes on trying. */
export type SaveState = "saved" | "saving" | "away";

export type AnnotationState = View & {
  readonly document: Document;
  readonly history: History<Act>;
  readonly save: SaveState;
  readonly unsaved: number;
  /** When it is tried again while the service is away, ms since 1970; null while nothing waits for that. */
  readonly retryAt: number | null;
  readonly troubles: readonly Trouble[];
  /** Goes up whenever the service took something: time to look what it made of it. */
  readonly taken: number;
  /** The bars that were read last; null before the first read has arrived. */
  readonly known: Range | null;
};

export type AnnotationStore = StoreApi<AnnotationState> & {
  create(place: Place): string;
  change(key: string, place: Place): void;
  remove(key: string): void;
  review(range: Range): void;
  unreview(key: string): void;
  decide(decision: Omit<Decision, "eventId">): string;
  undo(): Act | null;
  redo(): Act | null;
  /** Undo the last decision, whatever was edited after it. */
  undoDecision(): Decision | null;
  /** Read the bars of a range anew. */
  read(range: Range, signal?: AbortSignal): Promise<void>;
  /** Give an op up for what somebody else made of the place. */
  takeTheirs(n: string): void;
  /** Send an op again, on what is there by now. */
  keepMine(n: string): void;
  /** Take up what an earlier page left, and send. */
  open(): Promise<void>;
  retry(): void;
  close(): void;
};

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 15_000;

/** What people hold true of one series and label set; edits are shown at once and sent one after the other. */
export function createAnnotationStore(service: AnnotationService, outbox: Outbox): AnnotationStore {
  const store = createStore<AnnotationState>(() => ({
    ...view(EMPTY_DOCUMENT),
    document: EMPTY_DOCUMENT,
    history: EMPTY,
    save: "saved",
    unsaved: 0,
    retryAt: null,
    troubles: [],
    taken: 0,
    known: null,
  }));
  let sending: Op | null = null;
  let wait = FIRST_WAIT;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  const get = store.getState;

  function put(document: Document, more: Partial<AnnotationState> = {}): void {
    if (document.pending !== get().document.pending) outbox.save(document.pending);
    store.setState({ ...view(document), document, unsaved: document.pending.length, ...more });
  }

  function push(op: Op): void {
    put(enqueued(get().document, op, sending?.n ?? null), { save: get().save === "away" ? "away" : "saving" });
    void send();
  }

  async function send(): Promise<void> {
    if (sending !== null || closed || timer !== undefined) return;
    const op = get().document.pending[0];
    if (op === undefined) {
      store.setState({ save: "saved" });
      return;
    }
    sending = op;
    const outcome = await service.send(op, get().document);
    sending = null;
    if (closed) return;
    if (outcome.kind === "away") {
      store.setState({ save: "away", retryAt: Date.now() + wait });
      timer = setTimeout(retry, wait);
      wait = Math.min(2 * wait, LONGEST_WAIT);
      return;
    }
    wait = FIRST_WAIT;
    if (outcome.kind === "taken") {
      put(settled(get().document, op, outcome.effect), { save: "saving", taken: get().taken + 1 });
    } else {
      const { code, message, current } = outcome;
      const history = without(get().history, (act) => isOf(act, op));
      const troubles = [...get().troubles, { op, code, message, current }];
      put(dropped(get().document, op), { save: "saving", troubles, history, taken: get().taken + 1 });
    }
    void send();
  }

  function retry(): void {
    clearTimeout(timer);
    timer = undefined;
    store.setState({ retryAt: null });
    void send();
  }

  function edit(key: string, before: Place | null, after: Place | null): void {
    const n = crypto.randomUUID();
    const base = get().byKey.get(key)?.revision ?? null;
    if (after === null) push({ n, op: "delete", key, was: before as Place, base });
    else if (before === null) push({ n, op: "create", key, place: after });
    else push({ n, op: "change", key, place: after, was: before, base });
  }

  function perform(act: Act, direction: "undo" | "redo"): Act {
    const undo = direction === "undo";
    switch (act.act) {
      case "edit":
        edit(act.key, undo ? act.after : act.before, undo ? act.before : act.after);
        return act;
      case "review": {
        const n = crypto.randomUUID();
        const { key, range } = act;
        push(act.added === undo ? { n, op: "unreview", key, range } : { n, op: "review", key, range });
        return act;
      }
      case "decide": {
        if (undo) {
          push({ n: crypto.randomUUID(), op: "take-back", eventId: act.decision.eventId, decision: act.decision });
          return act;
        }
        // The service takes an event id once: doing it again is a new event.
        const decision = { ...act.decision, eventId: crypto.randomUUID() };
        push({ n: decision.eventId, op: "decide", decision });
        return { act: "decide", decision };
      }
    }
  }

  function remember(act: Act): void {
    store.setState({ history: record(get().history, act) });
  }

  function create(place: Place): string {
    const key = `new:${crypto.randomUUID()}`;
    edit(key, null, place);
    remember({ act: "edit", key, before: null, after: place });
    return key;
  }

  function change(key: string, place: Place): void {
    const before = get().byKey.get(key);
    if (!before || samePlace(before, place)) return;
    edit(key, placeOf(before), placeOf(place));
    remember({ act: "edit", key, before: placeOf(before), after: placeOf(place) });
  }

  function remove(key: string): void {
    const before = get().byKey.get(key);
    if (!before) return;
    edit(key, placeOf(before), null);
    remember({ act: "edit", key, before: placeOf(before), after: null });
  }

  function review(range: Range): void {
    const key = `reviewed:${crypto.randomUUID()}`;
    push({ n: crypto.randomUUID(), op: "review", key, range });
    remember({ act: "review", key, range, added: true });
  }

  function unreview(key: string): void {
    const found = get().reviewed.find((one) => one.key === key);
    if (!found) return;
    const range = { start: found.start, end: found.end };
    push({ n: crypto.randomUUID(), op: "unreview", key, range });
    remember({ act: "review", key, range, added: false });
  }

  function decide(given: Omit<Decision, "eventId">): string {
    const decision = { ...given, eventId: crypto.randomUUID() };
    push({ n: decision.eventId, op: "decide", decision });
    remember({ act: "decide", decision });
    return decision.eventId;
  }

  function undo(): Act | null {
    const step = back(get().history);
    if (step === null) return null;
    perform(step[0], "undo");
    store.setState({ history: step[1] });
    return step[0];
  }

  function redo(): Act | null {
    const step = forth(get().history);
    if (step === null) return null;
    const done = perform(step[0], "redo");
    store.setState({ history: { past: [...step[1].past.slice(0, -1), done], future: step[1].future } });
    return done;
  }

  function undoDecision(): Decision | null {
    const act = get().history.past.findLast((one) => one.act === "decide");
    if (act?.act !== "decide") return null;
    perform(act, "undo");
    store.setState({ history: without(get().history, (one) => one === act) });
    return act.decision;
  }

  async function read(range: Range, signal?: AbortSignal): Promise<void> {
    const before = get().taken;
    const { annotations, reviewed } = await service.read(range, signal);
    // An answer that was on its way while something was written may not know of it; the next read does.
    if (closed || signal?.aborted || (before !== get().taken && get().known)) return;
    put(received(get().document, range, annotations, reviewed), { known: range });
  }

  function takeTheirs(n: string): void {
    store.setState({ troubles: get().troubles.filter(({ op }) => op.n !== n), taken: get().taken + 1 });
  }

  function keepMine(n: string): void {
    const trouble = get().troubles.find(({ op }) => op.n === n);
    if (!trouble) return;
    takeTheirs(n);
    const { op, current } = trouble;
    if (op.op !== "change" && op.op !== "delete") return;
    push({ ...op, n: crypto.randomUUID(), base: current?.revision ?? null });
  }

  async function open(): Promise<void> {
    const left = await outbox.load();
    if (left.length === 0 || closed) return;
    const document = get().document;
    put({ ...document, pending: [...left, ...document.pending] }, { save: "saving" });
    void send();
  }

  function close(): void {
    closed = true;
    clearTimeout(timer);
  }

  return Object.assign(store, {
    create,
    change,
    remove,
    review,
    unreview,
    decide,
    undo,
    redo,
    undoDecision,
    read,
    takeTheirs,
    keepMine,
    open,
    retry,
    close,
  });
}

/** Whether undoing an act would undo an op that never came about. */
function isOf(act: Act, op: Op): boolean {
  if (act.act === "decide") {
    return op.op === "decide" && op.decision.eventId === act.decision.eventId;
  }
  return "key" in op && op.key === act.key;
}

function placeOf({ label, start, end }: Place): Place {
  return { label, start, end };
}

function samePlace(a: Place, b: Place): boolean {
  return a.label === b.label && a.start === b.start && a.end === b.end;
}
