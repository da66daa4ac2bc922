import { type BarSpan, iou as overlap } from "@/features/annotations/spans";

export type LabelledSpan = BarSpan & { readonly label: string };
export type ProposedSpan = LabelledSpan & { readonly confidence: number };
export type Pair = { readonly truth: number; readonly proposed: number; readonly iou: number };

const TOLERANCE = 1e-9;

/**
 * Match spans of equal label whose IoU reaches a threshold, one to one, as the service does.
 *
 * Of all matchings the one with the most pairs; of those the one with the greatest total IoU; of those the one that
 * prefers more confident proposals, then earlier ones. Both sides hold themselves to the same golden cases.
 */
export function match(truth: readonly LabelledSpan[], proposed: readonly ProposedSpan[], iou = 0.5): Pair[] {
  const truthOrder = order(truth, () => 0);
  const proposedOrder = order(proposed, (row) => -(proposed[row]?.confidence ?? 0));
  const candidates = allPairs(truth, truthOrder, proposed, proposedOrder, iou);
  return components(candidates, truth.length)
    .flatMap(solve)
    .map(({ i, j, value }) => ({ truth: at(truthOrder, i), proposed: at(proposedOrder, j), iou: value }))
    .sort((a, b) => a.truth - b.truth);
}

/** A pair that may be chosen: ranks on both sides, in the order of preference, and its IoU. */
type Candidate = { readonly i: number; readonly j: number; readonly value: number };

function at(list: readonly number[], index: number): number {
  const value = list[index];
  if (value === undefined) throw new RangeError(`no row ${index} among ${list.length}`);
  return value;
}

function order(spans: readonly LabelledSpan[], first: (row: number) => number): number[] {
  const rows = spans.map((span, row) => ({ row, key: first(row), span }));
  rows.sort(
    (a, b) =>
      a.key - b.key ||
      a.span.first - b.span.first ||
      a.span.last - b.span.last ||
      (a.span.label < b.span.label ? -1 : a.span.label > b.span.label ? 1 : 0),
  );
  return rows.map(({ row }) => row);
}

function allPairs(
  truth: readonly LabelledSpan[],
  truthOrder: readonly number[],
  proposed: readonly ProposedSpan[],
  proposedOrder: readonly number[],
  threshold: number,
): Candidate[] {
  const byStart = proposedOrder
    .map((row, j) => ({ j, span: proposed[row] as ProposedSpan }))
    .sort((a, b) => a.span.first - b.span.first);
  const longest = byStart.reduce((most, { span }) => Math.max(most, span.last - span.first), 0);
  const found: Candidate[] = [];
  truthOrder.forEach((row, i) => {
    const span = truth[row] as LabelledSpan;
    for (let k = firstFrom(byStart, span.first - longest); k < byStart.length; k++) {
      const other = byStart[k] as (typeof byStart)[number];
      if (other.span.first > span.last) break;
      if (other.span.label !== span.label) continue;
      const value = overlap(span, other.span);
      if (value > 0 && value >= threshold - TOLERANCE) found.push({ i, j: other.j, value });
    }
  });
  return found;
}

function firstFrom(sorted: readonly { span: BarSpan }[], bar: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as { span: BarSpan }).span.first < bar) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Groups of pairs that compete with each other. */
function components(pairs: readonly Candidate[], nTruth: number): Candidate[][] {
  const parent = new Map<number, number>();
  const root = (node: number): number => {
    const above = parent.get(node) ?? node;
    if (above === node) return node;
    const top = root(above);
    parent.set(node, top);
    return top;
  };
  for (const { i, j } of pairs) parent.set(root(i), root(nTruth + j));
  const groups = new Map<number, Candidate[]>();
  for (const pair of pairs) {
    const top = root(pair.i);
    const group = groups.get(top);
    if (group) group.push(pair);
    else groups.set(top, [pair]);
  }
  return [...groups.values()];
}

function solve(pairs: Candidate[]): Candidate[] {
  if (pairs.length === 1) return pairs;
  const rows = [...new Set(pairs.map(({ i }) => i))].sort((a, b) => a - b);
  const columns = [...new Set(pairs.map(({ j }) => j))].sort((a, b) => a - b);
  const rowOf = new Map(rows.map((i, position) => [i, position]));
  const columnOf = new Map(columns.map((j, position) => [j, position]));
  const smaller = Math.min(rows.length, columns.length);
  const size = Math.max(rows.length, columns.length);
  const gain = Array.from({ length: size }, () => new Float64Array(size));
  const position = new Map<number, Candidate>();
  for (const pair of pairs) {
    const row = rowOf.get(pair.i) ?? 0;
    const column = columnOf.get(pair.j) ?? 0;
    const rank = (row / rows.length + column / columns.length) / 2;
    // A pair is worth more than all IoU of a matching together, and IoU more than all ranks together.
    (gain[row] as Float64Array)[column] = smaller + 1 + pair.value + (1e-7 * (1 - rank)) / smaller;
    position.set(row * size + column, pair);
  }
  return assign(gain, size).flatMap((column, row) => position.get(row * size + column) ?? []);
}

/** The assignment of greatest total gain in a square matrix (Hungarian method with potentials): the column of each row. */
function assign(gain: readonly Float64Array[], size: number): number[] {
  const u = new Float64Array(size + 1);
  const v = new Float64Array(size + 1);
  const rowOf = new Int32Array(size + 1);
  const way = new Int32Array(size + 1);
  const cost = (row: number, column: number) => -((gain[row - 1] as Float64Array)[column - 1] as number);
  for (let row = 1; row <= size; row++) {
    rowOf[0] = row;
    let column = 0;
    const least = new Float64Array(size + 1).fill(Number.POSITIVE_INFINITY);
    const used = new Uint8Array(size + 1);
    do {
      used[column] = 1;
      const current = rowOf[column] as number;
      let delta = Number.POSITIVE_INFINITY;
      let next = 0;
      for (let k = 1; k <= size; k++) {
        if (used[k]) continue;
        const reduced = cost(current, k) - (u[current] as number) - (v[k] as number);
        if (reduced < (least[k] as number)) {
          least[k] = reduced;
          way[k] = column;
        }
        if ((least[k] as number) < delta) {
          delta = least[k] as number;
          next = k;
        }
      }
      for (let k = 0; k <= size; k++) {
        if (used[k]) {
          u[rowOf[k] as number] = (u[rowOf[k] as number] as number) + delta;
          v[k] = (v[k] as number) - delta;
        } else least[k] = (least[k] as number) - delta;
      }
      column = next;
    } while (rowOf[column] !== 0);
    do {
      const before = way[column] as number;
      rowOf[column] = rowOf[before] as number;
      column = before;
    } while (column !== 0);
  }
  const columns = new Array<number>(size).fill(-1);
  for (let column = 1; column <= size; column++) columns[(rowOf[column] as number) - 1] = column - 1;
  return columns;
}
