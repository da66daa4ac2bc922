"use client";

import Link from "next/link";
import { useMemo, useState } from "react";
import { isDecided, labelName } from "@/features/annotate/layers";
import { ReviewedSummary } from "@/features/annotate/reviewed-summary";
import type { Chosen } from "@/features/annotate/session";
import type { PageScene } from "@/features/annotate/use-scene";
import { useAnnotations, useSession, useWorkspace } from "@/features/annotate/workspace";
import { classes } from "@/lib/classes";
import { plural } from "@/lib/format";
import { msOf, shortTime } from "@/lib/times";

type Row = {
  readonly key: string;
  /** What is chosen by going there; a reviewed range has nothing to choose. */
  readonly chosen: Chosen | null;
  /** As shown: a code, or for how many labels a range was reviewed. */
  readonly label: string;
  readonly title: string;
  readonly start: number;
  readonly end: number;
  readonly source: string;
  readonly confidence: number | null;
  readonly status: string;
};

type Column = "label" | "start" | "source" | "confidence" | "status";
const COLUMNS: readonly { readonly column: Column; readonly name: string; readonly title: string }[] = [
  { column: "label", name: "Label", title: "Label" },
  { column: "start", name: "Time", title: "First and last bar" },
  { column: "source", name: "By", title: "Who says so" },
  { column: "confidence", name: "%", title: "Confidence" },
  { column: "status", name: "State", title: "State" },
];
const ROWS = 300;

/** What the canvas shows, as a table: sortable, and Enter goes to a span. */
export function SpanTable({ scene }: { scene: PageScene }) {
  const { series, store } = useWorkspace();
  const chosen = useSession((state) => state.chosen);
  const [order, setOrder] = useState<{ column: Column; down: boolean }>({ column: "start", down: false });
  const all = useRows(scene);
  const rows = useMemo(() => {
    const sign = order.down ? -1 : 1;
    const value = (row: Row) => row[order.column] ?? -1;
    return [...all].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      return sign * (x < y ? -1 : x > y ? 1 : 0) || a.start - b.start;
    });
  }, [all, order]);

  return (
    <div className="min-h-0 flex-1 overflow-auto">
      <ReviewedSummary scene={scene} />
      <table className="w-full text-xs">
        <caption className="sr-only">Spans around the bars in view</caption>
        <thead className="sticky top-0 bg-bg">
          <tr>
            {COLUMNS.map(({ column, name, title }) => (
              <th
                key={column}
                scope="col"
                aria-sort={order.column === column ? (order.down ? "descending" : "ascending") : "none"}
                className="px-1 py-1 text-left font-semibold"
              >
                <button
                  type="button"
                  title={title}
                  className="min-h-6"
                  onClick={() => setOrder({ column, down: order.column === column && !order.down })}
                >
                  {name}
                  {order.column === column && (order.down ? " ↓" : " ↑")}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, ROWS).map((row) => {
            const here = row.chosen !== null && chosen?.key === row.key && chosen.lane === row.chosen.lane;
            const go = () => scene.commands.goTo(row.chosen, row);
            return (
              <tr
                key={`${row.chosen?.lane} ${row.key}`}
                tabIndex={0}
                aria-selected={here}
                onClick={go}
                onKeyDown={(event) => event.key === "Enter" && event.target === event.currentTarget && go()}
                className={classes("h-6 cursor-pointer", here ? "bg-chosen text-chosen-ink" : "hover:bg-surface")}
              >
                <td className={classes("px-1 py-0.5", row.chosen && "font-mono")} title={row.title}>
                  {row.label}
                </td>
                <td className="px-1 py-0.5 whitespace-nowrap">
                  <time>{shortTime(row.start, series.timeframe_seconds)}</time>
                  {row.end !== row.start && (
                    <span className="sr-only"> to {shortTime(row.end, series.timeframe_seconds)}</span>
                  )}
                </td>
                <td className="px-1 py-0.5">{row.source}</td>
                <td className="px-1 py-0.5 text-right">
                  {row.confidence === null ? "" : Math.round(100 * row.confidence)}
                </td>
                <td className="px-1 py-0.5">
                  {row.chosen !== null ? (
                    row.status
                  ) : (
                    <span className="flex items-center justify-between text-reviewed">
                      {row.status}
                      <button
                        type="button"
                        aria-label={`Not reviewed: ${shortTime(row.start, series.timeframe_seconds)} to ${shortTime(row.end, series.timeframe_seconds)}`}
                        title="These bars were not reviewed: take it back"
                        className="size-6 rounded hover:bg-raised"
                        onClick={(event) => {
                          event.stopPropagation();
                          store.unreview(row.key);
                        }}
                      >
                        ×
                      </button>
                    </span>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {rows.length === 0 && (
        <p className="p-2 text-muted text-xs">
          Nothing is marked around here yet. Draw with D, or let TA-Lib label the series on the page{" "}
          <Link href="/series" className="underline">
            Series
          </Link>
          .
        </p>
      )}
      {rows.length > ROWS && (
        <p className="p-2 text-muted text-xs">{rows.length - ROWS} more: come closer to see them</p>
      )}
    </div>
  );
}

function useRows({ shownPredictions }: PageScene): readonly Row[] {
  const { labels, labelSet } = useWorkspace();
  const annotations = useAnnotations((state) => state.annotations);
  const reviewed = useAnnotations((state) => state.reviewed);
  const decided = useAnnotations((state) => state.decided);
  return useMemo(() => {
    const named = (label: string) => ({ label: labels.get(label)?.code ?? label, title: labelName(label) });
    const rows: Row[] = annotations.map((one) => ({
      ...named(one.label),
      key: one.key,
      chosen: { lane: one.origin === "talib" ? "talib" : "human", key: one.key },
      start: one.start,
      end: one.end,
      source: one.origin === "talib" ? "TA-Lib" : "you",
      confidence: null,
      status: one.unsaved ? "unsaved" : one.flagged ? "flagged" : one.origin === "talib" ? "open" : one.origin,
    }));
    for (const one of shownPredictions) {
      rows.push({
        ...named(one.label),
        key: one.id,
        chosen: { lane: "model", key: one.id },
        start: msOf(one.start_time),
        end: msOf(one.end_time),
        source: "model",
        confidence: one.confidence,
        status: isDecided(one, decided) ? "decided" : one.stale ? "stale" : one.provisional ? "provisional" : "open",
      });
    }
    for (const { key, start, end, labels: some, unsaved } of reviewed) {
      const isAll = some === null || some.length >= labelSet.labels.length;
      rows.push({
        key,
        chosen: null,
        label: isAll ? "all labels" : plural(some.length, "label"),
        title: isAll ? "Reviewed for all labels" : `Reviewed for ${some.map(labelName).join(", ")}`,
        start,
        end,
        source: "you",
        confidence: null,
        status: unsaved ? "reviewed, unsaved" : "reviewed",
      });
    }
    return rows;
  }, [annotations, reviewed, shownPredictions, decided, labels, labelSet.labels.length]);
}
