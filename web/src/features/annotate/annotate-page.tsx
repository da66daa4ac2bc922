"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { useEffect } from "react";

import { labelSetsQuery, seriesQuery } from "@/api/queries";
import { Notice } from "@/components/ui/notice";
import { whyNot } from "@/components/ui/service-problem";
import { rememberSeries } from "@/features/annotate/last-series";
import { Workbench } from "@/features/annotate/workbench";
import { WorkspaceProvider } from "@/features/annotate/workspace";

/** One series to annotate. The address may name `label_set` and, with `at`, a time to open at. */
export function AnnotatePage({ seriesId }: { seriesId: string }) {
  const address = useSearchParams();
  const wanted = address.get("label_set");
  const time = Date.parse(address.get("at") ?? "");
  const labelSets = useQuery(labelSetsQuery);
  const labelSet =
    labelSets.data?.items.find((one) => one.name === wanted) ??
    (wanted === null
      ? (labelSets.data?.items.find((one) => one.name === "default") ?? labelSets.data?.items[0])
      : undefined);
  const series = useQuery({ ...seriesQuery(seriesId, labelSet?.name), enabled: labelSet !== undefined });
  useEffect(() => rememberSeries(seriesId), [seriesId]);

  const error = series.data ? null : (labelSets.error ?? series.error);
  if (labelSets.data && !labelSet) {
    return <Alone title="No such label set">There is no label set {wanted}.</Alone>;
  }
  if (error) return <Alone title="This series cannot be shown">{whyNot(error)}</Alone>;
  if (!series.data || !labelSet) return <Skeleton />;
  return (
    <WorkspaceProvider
      key={`${seriesId} ${labelSet.name}`}
      series={series.data}
      labelSet={labelSet}
      at={Number.isNaN(time) ? null : time}
    >
      <Workbench />
    </WorkspaceProvider>
  );
}

function Alone({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <main className="mx-auto w-full max-w-2xl p-6">
      <h1 className="sr-only">Annotate</h1>
      <Notice
        look="bad"
        title={title}
        action={
          <Link className="underline" href="/series">
            All series
          </Link>
        }
      >
        {children}
      </Notice>
    </main>
  );
}

/** The page before anything is known: axes without candles. */
function Skeleton() {
  return (
    <main className="flex min-h-0 flex-1 flex-col" aria-busy="true" aria-label="Loading the series">
      <h1 className="sr-only">Annotate</h1>
      <div className="h-10 border-line border-b" />
      <div className="m-4 grid flex-1 place-items-center border-line border-r border-b text-muted">
        Loading the series
      </div>
      <div className="h-12 border-line border-t" />
    </main>
  );
}
