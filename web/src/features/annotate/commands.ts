import { asProblem } from "@/api/errors";
import {
  barsOfTimes,
  type Disagreement,
  disputeKey,
  isDecided,
  type Label,
  labelName,
  neighbour,
  type OpenTarget,
  type Placed,
  type StoredPrediction,
} from "@/features/annotate/layers";
import { findTarget, nearest, type ReadTargets } from "@/features/annotate/search";
import type { Chosen, Session } from "@/features/annotate/session";
import type {
  Annotation,
  AnnotationStore,
  BarSpan,
  Decision,
  Edge,
  Place,
  Range,
  Reason,
  Target,
} from "@/features/annotations";
import { between, fitted, inside, moveEdge, shift } from "@/features/annotations";
import type { CandleWindow } from "@/features/candles";
import { barAt, firstFrom, lastUntil } from "@/features/candles";
import type { ChartPort, Hit } from "@/features/chart";
import { annotationTarget, predictionTarget } from "@/features/feedback";
import { msOf } from "@/lib/times";

/** What is on the page now; read when a command runs, so that commands never hold old things. */
export type Scene = {
  readonly port: ChartPort | null;
  readonly labels: readonly Label[];
  readonly predictions: ReadonlyMap<string, StoredPrediction>;
  readonly disagreements: readonly Disagreement[];
  /** What is to be decided around here, as the store has it at this moment. */
  readonly targets: () => readonly OpenTarget[];
  /** The bars around here whose targets are all there; null while some are on their way. */
  readonly known: Range | null;
  /** Reads what is to be decided elsewhere, beginning with stretches of `step` ms. */
  readonly readTargets: ReadTargets;
  readonly step: number;
  readonly ends: { readonly first: number; readonly last: number };
  /** Whether filters keep something from being asked about. */
  readonly isFiltered: boolean;
  /** The span that was on the screen at the last paint: only that may be decided. */
  readonly painted: string | null;
  /** The item of the review queue that is being worked on. */
  readonly review: { readonly item: string; readonly blind: boolean } | null;
};

export type Commands = ReturnType<typeof createCommands>;

/** Everything a person can do on the page, whether by key, by button or by pointer. */
export function createCommands(window: CandleWindow, store: AnnotationStore, session: Session, scene: () => Scene) {
  const bars = () => window.getState().bars;
  const count = () => bars().time.length;
  const timeAt = (bar: number) => bars().time[bar] as number;
  const labelOf = (name: string) => scene().labels.find((one) => one.name === name);

  function placeOn(span: BarSpan, label: string): Place {
    return { label, start: timeAt(span.first), end: timeAt(span.last) };
  }

  /** Bars of what is marked for a label: the selection, or the bar under the cursor. */
  function marked(): BarSpan | null {
    const { selection, cursor } = session.getState();
    if (selection) return barsOfTimes(bars(), selection);
    const bar = cursor === null ? -1 : barAt(bars(), cursor);
    return bar < 0 ? null : { first: bar, last: bar };
  }

  function annotationOf(chosen: Chosen | null): Annotation | undefined {
    if (chosen === null || (chosen.lane !== "human" && chosen.lane !== "talib")) return undefined;
    return store.getState().byKey.get(chosen.key);
  }

  function disputeOf(chosen: Chosen | null): Disagreement | undefined {
    if (chosen?.lane !== "dispute") return undefined;
    return scene().disagreements.find((one) => disputeKey(one) === chosen.key);
  }

  /** What a decision on the chosen span would be about. */
  function target(): Target | null {
    const { chosen } = session.getState();
    const dispute = disputeOf(chosen);
    const predictionId = chosen?.lane === "model" ? chosen.key : dispute?.prediction?.id;
    const prediction = predictionId === undefined ? undefined : scene().predictions.get(predictionId);
    if (prediction) return predictionTarget(prediction);
    const annotation =
      annotationOf(chosen) ?? (dispute?.annotation && store.getState().byKey.get(dispute.annotation.id));
    return annotation ? annotationTarget(annotation) : null;
  }

  function cursorTo(bar: number, extend: boolean): void {
    const next = Math.max(0, Math.min(count() - 1, bar));
    const { anchor, cursor } = session.getState();
    const time = timeAt(next);
    if (extend) {
      const from = anchor ?? cursor ?? time;
      const span = between(barAt(bars(), from), next);
      session.choose(null);
      session.set({ cursor: time, anchor: from, selection: { start: timeAt(span.first), end: timeAt(span.last) } });
    } else {
      // Who moves on means the bar under the cursor, not the span chosen before.
      session.choose(null);
      session.set({ cursor: time, anchor: null, selection: null });
    }
    scene().port?.reveal({ first: next, last: next });
  }

  function cursorBar(): number {
    const { cursor } = session.getState();
    if (cursor !== null) return lastUntil(bars(), cursor);
    const visible = scene().port?.visible();
    return visible ? Math.min(count() - 1, Math.round((visible.first + visible.last) / 2)) : count() - 1;
  }

  function move(by: number, extend = false): void {
    if (count() === 0) return;
    const { mode, chosen, edge } = session.getState();
    if (mode.kind === "correct") {
      moveCorrection(by);
      return;
    }
    if (edge !== null && chosen?.lane === "human") {
      moveChosenEdge(edge, by);
      return;
    }
    cursorTo(session.getState().cursor === null ? cursorBar() : cursorBar() + by, extend);
  }

  function moveCorrection(by: number): void {
    const { mode, edge } = session.getState();
    if (mode.kind !== "correct") return;
    const at = barsOfTimes(bars(), mode.place);
    if (at === null) return;
    // Where the label has a fixed length the whole span moves.
    const isFixed = labelOf(mode.place.label)?.bars != null;
    const next = isFixed ? shift(at, by, count()) : moveEdge(at, edge ?? "end", by, count());
    session.set({ mode: { kind: "correct", place: placeOn(next, mode.place.label) } });
    scene().port?.reveal(next);
  }

  function moveChosenEdge(edge: Edge, by: number): void {
    const annotation = annotationOf(session.getState().chosen);
    const at = annotation && barsOfTimes(bars(), annotation);
    if (!annotation || !at) return;
    const isFixed = labelOf(annotation.label)?.bars != null;
    const next = isFixed ? shift(at, by, count()) : moveEdge(at, edge, by, count());
    store.change(annotation.key, placeOn(next, annotation.label));
    scene().port?.reveal(next);
  }

  /** The pointer drags an edge of the chosen span. */
  function dragEdge(edge: Edge, bar: number, done: boolean): void {
    const { chosen, mode, dragged } = session.getState();
    if (mode.kind === "correct") {
      const at = barsOfTimes(bars(), mode.place);
      if (at)
        session.set({
          mode: { kind: "correct", place: placeOn(draggedTo(at, mode.place.label, edge, bar), mode.place.label) },
        });
      return;
    }
    const annotation = annotationOf(chosen);
    if (!annotation) {
      if (done || target() === null) return;
      correct();
      dragEdge(edge, bar, done);
      return;
    }
    if (annotation.origin === "talib") {
      correct();
      dragEdge(edge, bar, done);
      return;
    }
    const at = barsOfTimes(bars(), annotation);
    if (at === null) return;
    const place = placeOn(draggedTo(at, annotation.label, edge, bar), annotation.label);
    if (!done) session.set({ dragged: place });
    else {
      store.change(annotation.key, dragged ?? place);
      session.set({ dragged: null });
    }
  }

  function draggedTo(at: BarSpan, label: string, edge: Edge, bar: number): BarSpan {
    const by = bar - (edge === "start" ? at.first : at.last);
    return labelOf(label)?.bars != null ? shift(at, by, count()) : moveEdge(at, edge, by, count());
  }

  /** A digit: name what is marked, rename what is chosen, or correct what the model or TA-Lib says. */
  function giveLabel(label: Label): void {
    const { mode, chosen, selection } = session.getState();
    session.set({ label: label.name });
    if (mode.kind === "correct") {
      const at = barsOfTimes(bars(), mode.place);
      if (at) session.set({ mode: { kind: "correct", place: placeOn(fitted(at, label.bars, count()), label.name) } });
      return;
    }
    const annotation = annotationOf(chosen);
    if (annotation && annotation.origin !== "talib" && selection === null) {
      const at = barsOfTimes(bars(), annotation);
      if (at) store.change(annotation.key, placeOn(fitted(at, label.bars, count()), label.name));
      session.say(`${labelName(label.name)} it is`);
      return;
    }
    const wanted = target();
    if (wanted !== null && selection === null) {
      if (wanted.label === label.name) {
        confirm();
        return;
      }
      const at = barsOfTimes(bars(), wanted);
      if (at) decide("correct", placeOn(fitted(at, label.bars, count()), label.name), null);
      return;
    }
    const span = marked();
    if (span === null) session.say("Mark some bars first: drag with D or Shift, or move with the arrows");
    else draw(span, label);
  }

  function draw(span: BarSpan, label: Label): void {
    const place = placeOn(fitted(inside(span, count()), label.bars, count()), label.name);
    const same = store
      .getState()
      .annotations.find(
        (one) =>
          one.origin !== "talib" && one.label === place.label && one.start === place.start && one.end === place.end,
      );
    if (same) {
      session.choose({ lane: "human", key: same.key });
      session.say(`${labelName(label.name)} is marked there already`);
      return;
    }
    const key = store.create(place);
    session.set({ selection: null, anchor: null, label: label.name });
    session.choose({ lane: "human", key });
    session.say(`${labelName(label.name)} marked`);
  }

  /** Bars were drawn: they get the label of last time, where they were drawn in draw mode, or wait for a digit. */
  function drawn(span: BarSpan): void {
    session.set({
      selection: { start: timeAt(span.first), end: timeAt(span.last) },
      anchor: timeAt(span.first),
      cursor: timeAt(span.last),
      chosen: null,
      mode: { kind: "choose" },
    });
    session.say("A digit names these bars");
  }

  function draft(span: BarSpan | null): void {
    session.set({ selection: span && { start: timeAt(span.first), end: timeAt(span.last) }, chosen: null });
  }

  function enter(): void {
    const { mode, selection, label } = session.getState();
    if (mode.kind === "correct") {
      commit();
      return;
    }
    const again = label === null ? undefined : labelOf(label);
    const span = selection && barsOfTimes(bars(), selection);
    if (span && again) draw(span, again);
    else if (span) session.say("A digit names these bars");
  }

  function remove(): void {
    const annotation = annotationOf(session.getState().chosen);
    if (!annotation) return;
    if (annotation.origin === "talib") {
      session.say("TA-Lib's marks are dismissed: X");
      return;
    }
    store.remove(annotation.key);
    session.choose(null);
    session.say(`${labelName(annotation.label)} deleted`);
  }

  /** Whether the chosen span may be decided now: it must have been on the screen. */
  function ready(): Target | null {
    const wanted = target();
    if (wanted === null) {
      const annotation = annotationOf(session.getState().chosen);
      session.say(
        annotation
          ? "This is your own mark: digits rename it, Delete removes it"
          : session.getState().chosen && scene().known === null
            ? "What lies here is still on its way"
            : "Nothing to decide is chosen: N goes to the next",
      );
      return null;
    }
    if (scene().painted !== session.getState().chosen?.key) return null;
    const { decided } = store.getState();
    const prediction = scene().predictions.get(wanted.id);
    if (decided.has(wanted.id) || (prediction && isDecided(prediction, decided))) {
      session.say("This is decided already: U takes decisions back");
      return null;
    }
    return wanted;
  }

  function decide(
    verb: Decision["verb"],
    correction: Place | null,
    reason: Reason | null,
    note: string | null = null,
  ): void {
    const wanted = ready();
    if (wanted === null) return;
    const { since } = session.getState();
    store.decide({
      verb,
      target: wanted,
      correction,
      reason,
      note,
      reviewItem: scene().review?.item ?? null,
      blind: scene().review?.blind ?? false,
      seconds: Math.round((performance.now() - since) / 100) / 10,
    });
    // Counted afterwards: one decision may settle more than one.
    const left = scene().targets().length;
    const what = { confirm: "confirmed", correct: "corrected", dismiss: "dismissed" }[verb];
    const done = reason === "unsure" ? "flagged as unsure" : what;
    session.say(`${labelName(wanted.label)} ${done}, ${left} left around here`);
    advance(wanted);
  }

  /** Go on to what is to be decided after the one that was. */
  function advance({ id, start, end }: Target): void {
    const { chosen } = session.getState();
    if (chosen?.lane === "dispute") nextDispute(1);
    else next(1, { key: id, start, end });
  }

  function confirm(): void {
    if (session.getState().mode.kind === "correct") commit();
    else decide("confirm", null, null);
  }

  function correct(): void {
    const wanted = ready();
    if (wanted === null) return;
    const { label, start, end } = wanted;
    session.set({ mode: { kind: "correct", place: { label, start, end } }, edge: "end" });
    session.say("Correct: arrows move it, a digit is another label, Enter saves");
  }

  function commit(): void {
    const { mode } = session.getState();
    const wanted = target();
    if (mode.kind !== "correct" || wanted === null) return;
    const { place } = mode;
    session.set({ mode: { kind: "choose" }, edge: null });
    const isSame = place.label === wanted.label && place.start === wanted.start && place.end === wanted.end;
    decide(isSame ? "confirm" : "correct", isSame ? null : place, null);
  }

  function dismiss(): void {
    if (ready() === null) return;
    session.set({ mode: { kind: "dismiss" } });
    session.say("Dismiss: why?");
  }

  function reason(why: Reason): void {
    session.set({ mode: { kind: "choose" } });
    decide("dismiss", null, why);
  }

  /** Say that one cannot tell: it is recorded, teaches nothing and stays open for others. A note may tell them why. */
  function flag(): void {
    if (ready() === null) return;
    session.set({ mode: { kind: "flag" } });
    session.say("Flag as unsure: a note for others, or none; Enter saves");
  }

  function flagged(note: string): void {
    session.set({ mode: { kind: "choose" } });
    decide("dismiss", null, "unsure", note.trim() || null);
  }

  function skip(): void {
    next(1);
  }

  /** The next or previous thing to decide; from where the decision was that was made just now, if one was. */
  function next(direction: 1 | -1, decided: Placed | null = null): void {
    if (count() === 0 || searching !== null) return;
    const { known, review } = scene();
    const all = scene().targets();
    const { chosen, cursor } = session.getState();
    const at = chosen && whereIs(chosen);
    const time = at ? (direction === 1 ? at.start : at.end) : (cursor ?? firstVisible() ?? timeAt(0));
    const from = decided ?? all.find((one) => one.key === chosen?.key) ?? time;
    const beyond = known === null && review === null ? null : nearest(all, from, direction);
    // An item of the queue is not done while something earlier in it is open, as after marks were skipped.
    const found = beyond ?? (review !== null && decided !== null ? all[0] : null);
    if (found) goTo({ lane: found.lane, key: found.key }, found);
    else if (review === null) void search(direction, from, decided !== null);
    else if (decided === null) session.say(`Nothing more to decide to the ${direction === 1 ? "right" : "left"}`);
    else session.choose(null);
  }

  let searching: AbortController | null = null;

  /** Look for something to decide beyond what is there, and go to it unless the person does something else meanwhile. */
  async function search(direction: 1 | -1, from: Placed | number, isAfterDecision: boolean): Promise<void> {
    const { known, readTargets, step, ends, isFiltered } = scene();
    const at = typeof from === "number" ? from : from.start;
    const edge = known === null ? at : direction === 1 ? Math.max(at, known.end) : Math.min(at, known.start);
    if (isAfterDecision) session.choose(null);
    else session.say("Looking for the next thing to decide");
    const { chosen, cursor, mode } = session.getState();
    const controller = new AbortController();
    searching = controller;
    const unwatch = session.subscribe((now) => {
      if (now.chosen !== chosen || now.cursor !== cursor || now.mode !== mode) controller.abort();
    });
    const done = () => {
      unwatch();
      searching = null;
    };
    try {
      const found = await findTarget(readTargets, { direction, from, edge, ends, step }, controller.signal);
      done();
      if (found) goTo({ lane: found.lane, key: found.key }, found);
      const none = `Nothing more to decide ${direction === 1 ? "up to the end of the series" : "back to the first bar"}`;
      if (found && !isAfterDecision) session.say(`${labelName(found.label)}: to be decided`);
      if (!found) session.say(isFiltered ? `${none}, with the filters as they are` : none);
    } catch (error) {
      done();
      if (!controller.signal.aborted) session.say(asProblem(error).message, "bad");
    }
  }

  /** Leave what is going on. */
  function cancel(): void {
    if (searching === null) session.cancel();
    else {
      stop();
      session.say("Looked no further");
    }
  }

  function stop(): void {
    searching?.abort();
  }

  function firstVisible(): number | null {
    const visible = scene().port?.visible();
    return visible ? (bars().time[Math.max(0, Math.min(count() - 1, visible.first))] ?? null) : null;
  }

  function whereIs(chosen: Chosen): { start: number; end: number } | null {
    const annotation = annotationOf(chosen);
    if (annotation) return annotation;
    const other = chosen.lane === "model" ? scene().predictions.get(chosen.key) : disputeOf(chosen);
    return other ? { start: msOf(other.start_time), end: msOf(other.end_time) } : null;
  }

  function nextDispute(direction: 1 | -1): void {
    const { chosen, cursor } = session.getState();
    const { decided } = store.getState();
    const open = scene().disagreements.filter(
      (one) =>
        disputeKey(one) === chosen?.key ||
        !((one.prediction && decided.has(one.prediction.id)) || (one.annotation && decided.has(one.annotation.id))),
    );
    const all = open.map((one) => ({
      one,
      key: disputeKey(one),
      start: msOf(one.start_time),
      end: msOf(one.end_time),
    }));
    const key = chosen?.lane === "dispute" ? chosen.key : null;
    const found =
      neighbour(all, { key, time: cursor ?? firstVisible() }, direction) ?? all.at(direction === 1 ? 0 : -1);
    if (found && found.key === key) session.say("This is the only disagreement left");
    else if (found) goTo({ lane: "dispute", key: found.key }, found);
    else session.say("No further disagreement");
  }

  /** Choose a span and bring it into view, wherever in the series it is. */
  function goTo(chosen: Chosen | null, place: { start: number; end: number }): void {
    if (chosen) session.choose(chosen);
    session.set({ cursor: place.end, anchor: null, selection: null });
    const at = barsOfTimes(bars(), place);
    if (at !== null) scene().port?.reveal(at);
    else void jump(place.start);
  }

  /** Show the bars around a time. */
  async function jump(time: number): Promise<void> {
    const { time: times } = bars();
    if (times.length === 0 || time < (times[0] as number) || time > (times.at(-1) as number)) await window.openAt(time);
    if (count() === 0) return;
    const bar = Math.max(0, Math.min(count() - 1, firstFrom(bars(), time)));
    session.set({ cursor: timeAt(bar) });
    scene().port?.reveal({ first: bar, last: bar });
  }

  async function toEnd(which: "first" | "last"): Promise<void> {
    const state = window.getState();
    if (which === "first" && state.hasEarlier) await window.openAt(0);
    if (which === "last" && state.hasLater) await window.openAt(null);
    cursorTo(which === "first" ? 0 : count() - 1, false);
  }

  function click(hit: Hit): void {
    const { mode, chosen } = session.getState();
    if (mode.kind !== "choose" && mode.kind !== "draw") return;
    session.set({ cursor: timeAt(hit.bar), anchor: null, selection: null });
    // Further clicks on the same bars go through all that lies there.
    const at = hit.all.findIndex((one) => one.key === chosen?.key && one.lane === chosen.lane);
    const found = hit.all[(at + 1) % Math.max(1, hit.all.length)];
    session.choose(found ? { lane: found.lane, key: found.key } : null);
  }

  /** Everything from the last reviewed bar in view, or from the left edge, to the cursor was looked at. */
  function reviewed(): void {
    const { cursor } = session.getState();
    const visible = scene().port?.visible();
    if (cursor === null || !visible) {
      session.say("Move the cursor to the last bar that you have looked at");
      return;
    }
    const left = timeAt(Math.max(0, visible.first));
    const before = store
      .getState()
      .reviewed.filter((one) => one.end >= left && one.end < cursor)
      .at(-1);
    const first = before ? firstFrom(bars(), before.end + 1) : Math.max(0, visible.first);
    const last = lastUntil(bars(), cursor);
    if (first > last) return;
    store.review({ start: timeAt(first), end: timeAt(last) });
    session.say(`${last - first + 1} bars reviewed: what is not marked there is background. Ctrl+Z takes it back`);
  }

  let warnedOf: number | null = null;

  /** All bars in view were looked at: they are reviewed, and those after them come into view. */
  function reviewView(): void {
    const { port, targets } = scene();
    const visible = port?.visible();
    if (!port || !visible || count() === 0 || session.getState().mode.kind !== "choose") return;
    const last = Math.min(count() - 1, visible.last);
    const span = inside({ first: Math.max(0, visible.first), last }, count());
    const range = { start: timeAt(span.first), end: timeAt(span.last) };
    const open = targets().filter((one) => one.start >= range.start && one.end <= range.end).length;
    if (open > 0 && warnedOf !== range.start) {
      warnedOf = range.start;
      const things = open === 1 ? "One thing is" : `${open} things are`;
      session.say(`${things} not decided and would become background: Ctrl+Enter again says so`);
      return;
    }
    warnedOf = null;
    store.review(range);
    session.choose(null);
    const isLast = span.last === count() - 1;
    session.set({ cursor: timeAt(isLast ? span.last : span.last + 1), anchor: null, selection: null });
    if (!isLast) port.scroll(span.last + 1 - visible.first);
    const bars = span.last - span.first + 1;
    session.say(
      `${bars} ${bars === 1 ? "bar" : "bars"} reviewed: what is not marked there is background${isLast ? "; these were the last" : ""}`,
    );
  }

  function chooseEdge(edge: Edge): void {
    const { chosen, mode } = session.getState();
    if (mode.kind === "correct" || chosen?.lane === "human") session.set({ edge });
  }

  function undo(): void {
    const act = store.undo();
    session.say(act === null ? "Nothing to undo" : "Undone");
  }

  function redo(): void {
    session.say(store.redo() === null ? "Nothing to redo" : "Done again");
  }

  function undoDecision(): void {
    const decision = store.undoDecision();
    if (decision === null) {
      session.say("No decision to take back");
      return;
    }
    const { target: wanted } = decision;
    goTo({ lane: wanted.kind === "prediction" ? "model" : "talib", key: wanted.id }, wanted);
    session.say(`${labelName(wanted.label)} is open again`);
  }

  return {
    move,
    page: (by: number) => cursorTo(cursorBar() + by, false),
    toEnd,
    jump,
    goTo,
    click,
    draft,
    drawn,
    dragEdge,
    giveLabel,
    enter,
    remove,
    confirm,
    correct,
    commit,
    dismiss,
    reason,
    flag,
    flagged,
    skip,
    next,
    cancel,
    stop,
    nextDispute,
    reviewed,
    reviewView,
    chooseEdge,
    undo,
    redo,
    undoDecision,
    target,
    toggleDraw() {
      const { mode } = session.getState();
      session.set({
        mode: mode.kind === "draw" ? { kind: "choose" } : { kind: "draw" },
        selection: null,
        anchor: null,
      });
      session.say(
        mode.kind === "draw" ? "Moving the chart again" : "Draw: drag over bars, or click the first and the last",
      );
    },
  };
}
