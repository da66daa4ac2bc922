import { beside, type OpenTarget, type Placed } from "@/features/annotate/layers";
import type { Range } from "@/features/annotations";

/** What is to be decided on the bars of a range, and how many spans were read to know that. */
export type ReadTargets = (range: Range, signal: AbortSignal) => Promise<{ targets: OpenTarget[]; spans: number }>;

export type Search = {
  readonly direction: 1 | -1;
  /** One of the targets, or only a moment: then what begins there, or ends there, counts as well. */
  readonly from: Placed | number;
  /** Where to begin to read; between it and `from` is nothing. */
  readonly edge: number;
  /** First and last bar of the series. */
  readonly ends: { readonly first: number; readonly last: number };
  /** How much to read first, ms. */
  readonly step: number;
};

/** Spans in an answer below which the next stretch is twice as long, and above which it is half as long. */
const FEW = 1_000;
const MANY = 4_000;

/** Look for the nearest thing to decide, stretch by stretch, up to the end of the series; null when there is none. */
export async function findTarget(read: ReadTargets, search: Search, signal: AbortSignal): Promise<OpenTarget | null> {
  const { direction, from, ends } = search;
  let { edge, step } = search;
  while (direction === 1 ? edge <= ends.last : edge >= ends.first) {
    const range = direction === 1 ? { start: edge, end: edge + step } : { start: edge - step, end: edge };
    const { targets, spans } = await read(range, signal);
    signal.throwIfAborted();
    const found = nearest(targets, from, direction);
    // Backwards, what only reaches into the stretch may have something between its beginning and that of the stretch.
    if (found && (direction === 1 || found.start >= range.start)) return found;
    edge = direction === 1 ? range.end : range.start;
    if (spans < FEW) step *= 2;
    else if (spans > MANY) step = Math.max(step / 2, search.step / 4);
  }
  return null;
}

/** The nearest of some targets in a direction, each after the other. */
export function nearest(targets: readonly OpenTarget[], from: Placed | number, direction: 1 | -1): OpenTarget | null {
  if (typeof from !== "number") return beside(targets, from, direction);
  const found = direction === 1 ? targets.find((one) => one.start >= from) : targets.findLast((one) => one.end <= from);
  return found ?? null;
}
