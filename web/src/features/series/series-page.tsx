"use client";

import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";

import { Button } from "@/components/ui/button";
import { Card, Page, Skeleton } from "@/components/ui/page";
import { ServiceProblem } from "@/components/ui/service-problem";
import { LabelSetChoice, useLabelSet } from "@/features/label-sets";
import { plural } from "@/lib/format";

import { ImportList } from "./import-list";
import { DropTarget, FileButton, ImportOptionFields, useImportFiles } from "./import-panel";
import { NO_OPTIONS } from "./import-store";
import { Autolabel } from "./series-details";
import { SeriesTable } from "./series-table";
import { listedSeriesQuery } from "./service";

export function SeriesPage() {
  const { labelSet, error: labelSetError } = useLabelSet();
  const [options, setOptions] = useState(NO_OPTIONS);
  const [optionsShown, setOptionsShown] = useState(false);
  const importFiles = useImportFiles();
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    ...listedSeriesQuery(labelSet?.name ?? ""),
    enabled: labelSet !== undefined,
  });
  const series = data?.pages.flatMap((page) => page.items);
  const problem = error ?? labelSetError;
  const empty = series?.length === 0;
  const importButton = (
    <FileButton look="chosen" multiple onFiles={(files) => importFiles(files, options)}>
      Import files
    </FileButton>
  );
  return (
    <DropTarget>
      <Page
        title="Series"
        lead={
          series && !empty ? `${plural(series.length, "series", "series")}${hasNextPage ? " and more" : ""}` : undefined
        }
        actions={
          <>
            <LabelSetChoice />
            {!empty && importButton}
            <Button aria-expanded={optionsShown} onClick={() => setOptionsShown(!optionsShown)}>
              Options
            </Button>
          </>
        }
      >
        {optionsShown && (
          <Card className="mb-5 p-4">
            <ImportOptionFields options={options} onChange={setOptions} />
          </Card>
        )}
        <ImportList />
        {problem && (
          <div className="mb-4">
            <ServiceProblem error={problem} title={series ? "The list is not renewed" : undefined} />
          </div>
        )}
        {isPending && !problem && <Skeleton label="Loading the series" />}
        {empty && (
          <div className="grid place-items-center rounded-xl border-2 border-line border-dashed px-6 py-16 text-center">
            <h2 className="mb-1 font-semibold text-lg">No series yet</h2>
            <p className="mb-5 max-w-md text-muted">
              Drop files of candles here, as your vendor writes them: CSV, JSON, Parquet, zipped or not. Times, columns
              and separators are found out, and you are told what was wrong.
            </p>
            {importButton}
          </div>
        )}
        {series && !empty && labelSet && (
          <>
            <Card className="overflow-x-auto">
              <SeriesTable series={series} labelSet={labelSet.name} />
            </Card>
            <div className="mt-4 flex flex-wrap items-start gap-3">
              {hasNextPage && (
                <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
                  Show more series
                </Button>
              )}
              <Autolabel labelSet={labelSet.name} series={null}>
                Auto-label all series
              </Autolabel>
            </div>
          </>
        )}
      </Page>
    </DropTarget>
  );
}
