"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { asProblem } from "@/api/errors";
import { keys, seriesQuery } from "@/api/queries";
import { Button } from "@/components/ui/button";
import { CheckField } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { isActive, JobProgress, useJob } from "@/features/jobs";
import { MarksFiles } from "@/features/marks-files";
import { day } from "@/lib/format";

import { FileButton, useImportFiles } from "./import-panel";
import { ImportReport } from "./import-report";
import { NO_OPTIONS } from "./import-store";
import { type ListedSeries, useAutolabel } from "./service";

/** What one can do with a series beyond annotating it, and how it came here. */
export function SeriesDetails({ one, labelSet }: { one: ListedSeries; labelSet: string }) {
  const [revise, setRevise] = useState(false);
  const importFiles = useImportFiles();
  const { data, error } = useQuery(seriesQuery(one.series_id, labelSet));
  return (
    <div className="grid gap-6 px-4 py-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
      <section className="min-w-0 space-y-3" aria-label={`How ${one.series_id} came here`}>
        <h2 className="font-semibold">
          The latest import <span className="font-mono font-normal text-muted text-xs">{one.series_version}</span>
        </h2>
        {error && <Notice look="bad">{asProblem(error).message}</Notice>}
        {data && <ImportReport report={data.report} />}
        {data?.test_bars && (
          <p className="text-muted text-xs">
            Test bars: {day(data.test_bars.start_time)} to {day(data.test_bars.end_time)}. Marks there measure, they do
            not teach.
          </p>
        )}
      </section>
      <div className="space-y-5">
        <section className="space-y-2" aria-label="Newer candles">
          <h2 className="font-semibold">Newer candles</h2>
          <p className="text-muted text-xs">
            A file with the candles that follow; those that are known may be in it again.
          </p>
          <CheckField
            label="Accept other values for known candles"
            hint="Annotations over them are flagged."
            checked={revise}
            onChange={(event) => setRevise(event.target.checked)}
          />
          <FileButton
            small
            onFiles={(files) => importFiles(files, NO_OPTIONS, { to: "append", seriesId: one.series_id, revise })}
          >
            Append a file
          </FileButton>
        </section>
        <section className="space-y-2" aria-label="TA-Lib">
          <h2 className="font-semibold">TA-Lib</h2>
          <Autolabel labelSet={labelSet} series={[one.series_id]} small>
            Auto-label this series
          </Autolabel>
        </section>
        <MarksFiles seriesId={one.series_id} labelSet={labelSet} />
      </div>
    </div>
  );
}

/** A button that lets TA-Lib search, and the job in its place while it does. */
export function Autolabel({
  labelSet,
  series,
  small = false,
  children,
}: {
  labelSet: string;
  series: readonly string[] | null;
  small?: boolean;
  children: React.ReactNode;
}) {
  const client = useQueryClient();
  const autolabel = useAutolabel(labelSet);
  const { data: job } = useJob(autolabel.data?.job.id ?? null);
  const ended = job !== undefined && !isActive(job);
  useEffect(() => {
    if (ended) void client.invalidateQueries({ queryKey: keys.series });
  }, [client, ended]);
  return (
    <div className="space-y-2">
      {!(job && isActive(job)) && (
        <Button small={small} disabled={autolabel.isPending} onClick={() => autolabel.mutate(series)}>
          {children}
        </Button>
      )}
      {autolabel.error && <p className="text-bad text-xs">{asProblem(autolabel.error).message}</p>}
      {job && <JobProgress job={job} onDismiss={() => autolabel.reset()} />}
    </div>
  );
}
