/** Bars of one window, counted from 0, first and last both inclusive. */
export type BarSpan = { readonly first: number; readonly last: number };

export type Edge = "start" | "end";

export function lengthOf({ first, last }: BarSpan): number {
  return last - first + 1;
}

/** The span between two bars, whichever comes first. */
export function between(a: number, b: number): BarSpan {
  return a <= b ? { first: a, last: b } : { first: b, last: a };
}

export function overlaps(a: BarSpan, b: BarSpan): boolean {
  return a.first <= b.last && b.first <= a.last;
}

export function contains(span: BarSpan, bar: number): boolean {
  return span.first <= bar && bar <= span.last;
}

/** Intersection over union in bars, 0 to 1. */
export function iou(a: BarSpan, b: BarSpan): number {
  const common = Math.min(a.last, b.last) - Math.max(a.first, b.first) + 1;
  return common <= 0 ? 0 : common / (lengthOf(a) + lengthOf(b) - common);
}

/** Bring a span into a window of `bars` bars without changing its length, unless it is longer than the window. */
export function inside(span: BarSpan, bars: number): BarSpan {
  const length = Math.min(lengthOf(span), bars);
  const first = Math.max(0, Math.min(span.first, bars - length));
  return { first, last: first + length - 1 };
}

/** Move one edge by some bars; a span keeps at least one bar and stays in the window. */
export function moveEdge(span: BarSpan, edge: Edge, by: number, bars: number): BarSpan {
  return edge === "start"
    ? { first: Math.max(0, Math.min(span.first + by, span.last)), last: span.last }
    : { first: span.first, last: Math.min(bars - 1, Math.max(span.last + by, span.first)) };
}

export function shift(span: BarSpan, by: number, bars: number): BarSpan {
  return inside({ first: span.first + by, last: span.last + by }, bars);
}

/**
 * Give a span the number of bars that its label has.
 *
 * It keeps its last bar, because that is the one at which a pattern is told. Labels of free length change nothing.
 */
export function fitted(span: BarSpan, length: number | null | undefined, bars: number): BarSpan {
  if (length === null || length === undefined) return inside(span, bars);
  return inside({ first: span.last - length + 1, last: span.last }, bars);
}
