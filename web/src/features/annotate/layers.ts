import type { Schemas } from "@/api/client";
import type { Annotation, Decision } from "@/features/annotations";
import { type Bars, firstFrom, lastUntil } from "@/features/candles";
import type { LayerSpan, Layers } from "@/features/chart";
import { msOf } from "@/lib/times";

export type Label = Schemas["LabelSetView"]["labels"][number];
export type Labels = ReadonlyMap<string, Label>;
export type StoredPrediction = Schemas["StoredPrediction"];
export type Disagreement = Schemas["DisagreementView"];
export type Flag = Schemas["Flag"];
/** What people could not tell, by {@link placeKey}. */
export type Flags = ReadonlyMap<string, readonly Flag[]>;

/** The sign of each kind of disagreement, and what it means. */
export const KINDS: Record<Disagreement["kind"], { sign: string; name: string; means: string }> = {
  swap: { sign: "≠", name: "swap", means: "the same place under another label" },
  unsupported: { sign: "−", name: "unsupported", means: "annotated, the model finds nothing" },
  overlooked: { sign: "+", name: "overlooked", means: "the model is sure, nothing is annotated" },
  badloc: { sign: "↔", name: "badloc", means: "the same label on other bars" },
};

export function labelName(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function disputeKey({ kind, start_time, end_time, annotation, prediction }: Disagreement): string {
  return [kind, start_time, end_time, annotation?.id ?? "", prediction?.id ?? ""].join(" ");
}

type Timed = { readonly start: number; readonly end: number };

/** The bars of a span in the window; null when it does not reach into it. */
export function barsOfTimes(bars: Bars, { start, end }: Timed): { first: number; last: number } | null {
  const first = firstFrom(bars, start);
  const last = lastUntil(bars, end);
  return first > last ? null : { first, last };
}

export type LayerInput = {
  readonly bars: Bars;
  readonly labels: Labels;
  readonly annotations: readonly Annotation[];
  readonly predictions: readonly StoredPrediction[];
  readonly disagreements: readonly Disagreement[];
  readonly flags: Flags;
  readonly decided: ReadonlyMap<string, Decision>;
  readonly showModel: boolean;
  /** Predictions are those of before: what they are now cannot be asked. */
  readonly isOld?: boolean;
};

/** Everything that lies on the bars, as the chart draws it. */
export function layersOf(input: LayerInput): Layers {
  const { bars, labels, annotations, predictions, disagreements, flags, decided, showModel, isOld = false } = input;
  const human: LayerSpan[] = [];
  const talib: LayerSpan[] = [];
  for (const one of annotations) {
    const place = barsOfTimes(bars, one);
    if (place === null) continue;
    const look = { code: labels.get(one.label)?.code ?? "?", name: labelName(one.label), confidence: null };
    const isTalib = one.origin === "talib";
    const faint = isTalib && decided.has(one.key);
    const isUnsure = isTalib && !faint && flags.has(placeKey(one.label, one));
    const sign = one.flagged ? "! " : isUnsure ? "? " : "";
    (isTalib ? talib : human).push({ ...place, ...look, key: one.key, faint, open: one.unsaved, sign });
  }
  const model: LayerSpan[] = [];
  const dispute: LayerSpan[] = [];
  if (showModel) {
    for (const one of predictions) {
      const at = { start: msOf(one.start_time), end: msOf(one.end_time) };
      const place = barsOfTimes(bars, at);
      if (place === null) continue;
      const isUnsure = !isDecided(one, decided) && flags.has(placeKey(one.label, at));
      model.push({
        ...place,
        key: one.id,
        code: labels.get(one.label)?.code ?? "?",
        name: labelName(one.label),
        confidence: one.confidence,
        faint: isOld || one.stale || isDecided(one, decided),
        open: one.provisional,
        sign: one.stale ? "↻ " : one.provisional ? "… " : isUnsure ? "? " : "",
      });
    }
    for (const one of disagreements) {
      const place = barsOfTimes(bars, { start: msOf(one.start_time), end: msOf(one.end_time) });
      if (place === null) continue;
      const { sign, name } = KINDS[one.kind];
      const isDecided = isSettled(one, decided);
      dispute.push({
        ...place,
        key: disputeKey(one),
        code: sign,
        name,
        confidence: null,
        faint: isDecided,
        open: false,
        sign,
      });
    }
  }
  return { human, talib, model: sorted(model), dispute: sorted(dispute) };
}

/** Whether somebody decided on a prediction: here, or before this page was opened. */
export function isDecided(one: StoredPrediction, decided: ReadonlyMap<string, Decision>): boolean {
  return decided.has(one.id) || (one.decided ?? null) !== null;
}

export function isSettled(one: Disagreement, decided: ReadonlyMap<string, Decision>): boolean {
  return Boolean(
    (one.prediction && decided.has(one.prediction.id)) || (one.annotation && decided.has(one.annotation.id)),
  );
}

function sorted(spans: LayerSpan[]): LayerSpan[] {
  return spans.sort((a, b) => a.first - b.first || a.last - b.last);
}

/** Something to decide: a prediction or a mark of TA-Lib's that nobody decided on. */
export type OpenTarget = Timed & { readonly lane: "model" | "talib"; readonly key: string; readonly label: string };

/**
 * What is left to decide, in the order of time.
 *
 * A prediction that says what a person has said already needs no decision, and of TA-Lib and model saying the same in
 * the same place one is enough: TA-Lib's mark, because deciding on it also puts it away. Who was asked about a label on some
 * bars is not asked the same again because the other one says it, too.
 */
export function openTargets(
  annotations: readonly Annotation[],
  predictions: readonly StoredPrediction[],
  decided: ReadonlyMap<string, Decision>,
): OpenTarget[] {
  const said = new Map<string, Timed[]>();
  for (const one of annotations) {
    const list = said.get(one.label) ?? [];
    if (list.length === 0) said.set(one.label, list);
    if (one.origin !== "talib") list.push(one);
  }
  const agrees = (one: Timed, list: readonly Timed[] | undefined) =>
    list !== undefined && near(list, one).some((other) => one.start === other.start && one.end === other.end);
  const asked = new Set([...decided.values()].map(({ target }) => placeKey(target.label, target)));
  const targets: OpenTarget[] = [];
  const marks = new Map<string, Timed[]>();
  for (const one of annotations) {
    if (one.origin !== "talib" || one.id === null || decided.has(one.key)) continue;
    if (agrees(one, said.get(one.label)) || asked.has(placeKey(one.label, one))) continue;
    targets.push({ lane: "talib", key: one.key, label: one.label, start: one.start, end: one.end });
    const list = marks.get(one.label) ?? [];
    if (list.length === 0) marks.set(one.label, list);
    list.push(one);
  }
  for (const one of predictions) {
    const place = { start: msOf(one.start_time), end: msOf(one.end_time) };
    if (isDecided(one, decided) || asked.has(placeKey(one.label, place))) continue;
    if (agrees(place, said.get(one.label)) || agrees(place, marks.get(one.label))) continue;
    targets.push({ lane: "model", key: one.id, label: one.label, ...place });
  }
  return targets.sort(inOrder);
}

export function placeKey(label: string, { start, end }: Timed): string {
  return `${start} ${end} ${label}`;
}

/** Something with a place of its own among what is to be decided. */
export type Placed = Timed & { readonly key: string };

function inOrder(a: Placed, b: Placed): number {
  return a.start - b.start || a.end - b.end || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

/** What comes after or before one of {@link openTargets}, which need not be among them any more. */
export function beside(all: readonly OpenTarget[], from: Placed, direction: 1 | -1): OpenTarget | null {
  const found =
    direction === 1 ? all.find((one) => inOrder(one, from) > 0) : all.findLast((one) => inOrder(one, from) < 0);
  return found ?? null;
}

function near(sorted: readonly Timed[], { start }: Timed): readonly Timed[] {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as Timed).start < start) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < sorted.length && (sorted[end] as Timed).start === start) end++;
  return sorted.slice(low, end);
}

/** The next or the previous of things in the order of time, from a moment or from one of them on. */
export function neighbour<One extends Timed & { readonly key: string }>(
  all: readonly One[],
  from: { readonly key: string | null; readonly time: number | null },
  direction: 1 | -1,
): One | null {
  const at = from.key === null ? -1 : all.findIndex((one) => one.key === from.key);
  if (at >= 0) return all[at + direction] ?? null;
  const time = from.time ?? (direction === 1 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
  return direction === 1
    ? (all.find((one) => one.start >= time) ?? null)
    : (all.findLast((one) => one.end <= time) ?? null);
}
