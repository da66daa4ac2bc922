"use client";

import Link from "next/link";
import { Fragment, useState } from "react";

import { Button } from "@/components/ui/button";
import { classes } from "@/lib/classes";
import { count, day, percent, timeframe } from "@/lib/format";

import { SeriesDetails } from "./series-details";
import { annotationsOf, disagreementsOf, type ListedSeries } from "./service";

const HEAD = "whitespace-nowrap px-3 py-2 font-medium";
const CELL = "px-3 py-2.5";

export function SeriesTable({ series, labelSet }: { series: readonly ListedSeries[]; labelSet: string }) {
  const [open, setOpen] = useState<string | null>(null);
  return (
    <table className="w-full text-left">
      <caption className="sr-only">Series with what lies on each</caption>
      <thead className="border-line border-b text-muted text-xs">
        <tr>
          <th scope="col" className={HEAD}>
            Series
          </th>
          <th scope="col" className={`${HEAD} text-right max-md:hidden`}>
            Candles
          </th>
          <th scope="col" className={`${HEAD} text-right`}>
            <span aria-hidden="true" className="mr-1 inline-block size-2 rounded-xs bg-human" />
            People
          </th>
          <th scope="col" className={`${HEAD} text-right max-sm:hidden`}>
            TA-Lib
          </th>
          <th scope="col" className={`${HEAD} max-md:hidden`}>
            Reviewed
          </th>
          <th scope="col" className={`${HEAD} text-right max-sm:hidden`}>
            <span aria-hidden="true" className="mr-1.5 inline-block size-2 rotate-45 bg-dispute" />
            Disagreements
          </th>
          <th scope="col" className={HEAD}>
            <span className="sr-only">More</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {series.map((one) => {
          const opened = open === one.series_id;
          return (
            <Fragment key={one.series_id}>
              <Row one={one} opened={opened} onToggle={() => setOpen(opened ? null : one.series_id)} />
              {opened && (
                <tr className="border-line border-b bg-surface">
                  <td colSpan={7} id={`details-${one.series_id}`} className="p-0">
                    <SeriesDetails one={one} labelSet={labelSet} />
                  </td>
                </tr>
              )}
            </Fragment>
          );
        })}
      </tbody>
    </table>
  );
}

function Row({ one, opened, onToggle }: { one: ListedSeries; opened: boolean; onToggle: () => void }) {
  const { people, talib } = annotationsOf(one);
  const disagreements = disagreementsOf(one);
  const { reviewed_bars: reviewed, current } = one.counts;
  const old = current ? "" : "text-muted italic";
  return (
    <tr className={classes("border-line border-b last:border-b-0", opened ? "bg-surface" : "hover:bg-surface")}>
      <th scope="row" className={`${CELL} text-left font-normal`}>
        <Link
          href={`/annotate/${encodeURIComponent(one.series_id)}`}
          className="break-words font-semibold hover:underline"
        >
          {one.symbol}
        </Link>
        <span className="ml-2 rounded border border-line px-1.5 py-px text-xs">{timeframe(one.timeframe_seconds)}</span>
        <span className="tabular block text-muted text-xs">
          {day(one.first_time)} to {day(one.last_time)}
        </span>
        <span className="tabular block text-muted text-xs sm:hidden">
          <span className="block">{count(talib)} by TA-Lib</span>
          {disagreements !== null && `${count(disagreements)} disagreements`}
        </span>
      </th>
      <td className={`${CELL} tabular text-right max-md:hidden`}>{count(one.bars)}</td>
      <td className={`${CELL} tabular text-right`}>{count(people)}</td>
      <td className={`${CELL} tabular text-right text-muted max-sm:hidden`}>{count(talib)}</td>
      <td className={`${CELL} max-md:hidden`}>
        {reviewed === null ? (
          <Counting />
        ) : (
          <span className={classes("tabular flex items-center gap-2 whitespace-nowrap", old)}>
            <span aria-hidden="true" className="h-1.5 w-16 shrink-0 overflow-hidden rounded-full bg-line">
              <span className="block h-full bg-reviewed" style={{ width: `${(reviewed / one.bars) * 100}%` }} />
            </span>
            {percent(reviewed / one.bars)}
          </span>
        )}
      </td>
      <td className={classes(CELL, "tabular text-right max-sm:hidden", old)}>
        {disagreements !== null ? count(disagreements) : current ? <span className="text-muted">–</span> : <Counting />}
      </td>
      <td className={`${CELL} text-right`}>
        <Button small look="quiet" aria-expanded={opened} aria-controls={`details-${one.series_id}`} onClick={onToggle}>
          {opened ? "Less" : "More"}
          <span className="sr-only"> about {one.series_id}</span>
        </Button>
      </td>
    </tr>
  );
}

function Counting() {
  return <span className="text-muted text-xs">counting</span>;
}
