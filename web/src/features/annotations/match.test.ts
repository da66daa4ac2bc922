import { readFileSync } from "node:fs";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type LabelledSpan, match, type ProposedSpan } from "@/features/annotations/match";
import { iou } from "@/features/annotations/spans";

type Case = {
  name: string;
  iou: number;
  truth: [number, number, number][];
  proposed: [number, number, number, number][];
  pairs: [number, number][];
};

const golden = new URL("../../../../tests/annotations/matching_golden.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(golden, "utf8")) as { cases: Case[] };

describe("matching, held to the cases of the service", () => {
  it.each(cases.map((one) => [one.name, one] as const))("%s", (_name, one) => {
    const truth = one.truth.map(([label, first, last]) => ({ label: String(label), first, last }));
    const proposed = one.proposed.map(([label, first, last, confidence]) => ({
      label: String(label),
      first,
      last,
      confidence,
    }));
    expect(match(truth, proposed, one.iou).map((pair) => [pair.truth, pair.proposed])).toEqual(one.pairs);
  });
});

const place = fc
  .tuple(fc.constantFrom("a", "b"), fc.nat(12), fc.nat(3))
  .map(([label, first, more]): LabelledSpan => ({ label, first, last: first + more }));
const proposal = fc
  .tuple(place, fc.constantFrom(0.1, 0.5, 0.9))
  .map(([one, confidence]): ProposedSpan => ({ ...one, confidence }));

function bestByTryingAll(truth: LabelledSpan[], proposed: LabelledSpan[], threshold: number): [number, number] {
  const best = (i: number, taken: ReadonlySet<number>): [number, number] => {
    const span = truth[i];
    if (span === undefined) return [0, 0];
    let most = best(i + 1, taken);
    proposed.forEach((other, j) => {
      if (taken.has(j) || other.label !== span.label || iou(span, other) < threshold - 1e-9) return;
      const [pairs, total] = best(i + 1, new Set([...taken, j]));
      const found: [number, number] = [pairs + 1, total + iou(span, other)];
      if (found[0] > most[0] || (found[0] === most[0] && found[1] > most[1] + 1e-9)) most = found;
    });
    return most;
  };
  return best(0, new Set());
}

describe("matching of any spans", () => {
  it("finds the most pairs, and of those the greatest overlap", () => {
    fc.assert(
      fc.property(
        fc.array(place, { maxLength: 5 }),
        fc.array(proposal, { maxLength: 5 }),
        fc.constantFrom(0.3, 0.5, 0.75),
        (truth, proposed, threshold) => {
          const pairs = match(truth, proposed, threshold);
          const [most, total] = bestByTryingAll(truth, proposed, threshold);
          expect(pairs.length).toBe(most);
          expect(pairs.reduce((sum, pair) => sum + pair.iou, 0)).toBeCloseTo(total, 6);
          expect(new Set(pairs.map((pair) => pair.truth)).size).toBe(pairs.length);
          expect(new Set(pairs.map((pair) => pair.proposed)).size).toBe(pairs.length);
        },
      ),
    );
  });
});
