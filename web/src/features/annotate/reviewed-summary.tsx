"use client";

import { useMemo } from "react";

import { reviewedByLabel } from "@/features/annotate/coverage";
import { barsOfTimes, labelName } from "@/features/annotate/layers";
import type { PageScene } from "@/features/annotate/use-scene";
import { useWorkspace } from "@/features/annotate/workspace";
import { lengthOf } from "@/features/annotations";
import { count, percent } from "@/lib/format";

/** How many of the bars around here were reviewed: for all labels, and unfolded for each of them. */
export function ReviewedSummary({ scene: { bars, covered, range } }: { scene: PageScene }) {
  const { labelSet, labels } = useWorkspace();
  const names = useMemo(() => labelSet.labels.map((label) => label.name), [labelSet.labels]);
  // Ranges are read for the bars around those in view; more bars than these may be loaded.
  const here = useMemo(() => range && barsOfTimes(bars, range), [bars, range]);
  const known = useMemo(
    () =>
      covered
        .map((span) => ({
          ...span,
          first: Math.max(span.first, here?.first ?? 0),
          last: Math.min(span.last, here?.last ?? -1),
        }))
        .filter((span) => span.first <= span.last),
    [covered, here],
  );
  const around = here === null ? 0 : lengthOf(here);
  const byLabel = useMemo(() => reviewedByLabel(known, names), [known, names]);
  const whole = known.reduce((sum, span) => sum + (span.labels === null ? lengthOf(span) : 0), 0);
  const share = (bars: number) => percent(around === 0 ? 0 : bars / around);
  return (
    <details className="border-line border-b px-2 py-1 text-xs">
      <summary className="min-h-6 tabular leading-6">
        Reviewed: {count(whole)} of {count(around)} bars around here
      </summary>
      <table className="mb-1 w-full tabular">
        <caption className="sr-only">Reviewed bars of each label</caption>
        <tbody>
          {names.map((name) => {
            const bars = byLabel.get(name) ?? 0;
            return (
              <tr key={name}>
                <th scope="row" title={labelName(name)} className="pr-2 text-left font-mono font-normal">
                  {labels.get(name)?.code}
                </th>
                <td className="w-full">
                  <span
                    aria-hidden="true"
                    className="block h-1.5 rounded-sm bg-reviewed"
                    style={{ width: share(bars) === "0 %" ? 0 : `max(2px, ${(100 * bars) / Math.max(1, around)}%)` }}
                  />
                </td>
                <td className="whitespace-nowrap pl-2 text-right">{count(bars)}</td>
                <td className="whitespace-nowrap pl-2 text-right text-muted">{share(bars)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </details>
  );
}
