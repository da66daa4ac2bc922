"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useEffect } from "react";

import { api, unwrap } from "@/api/client";
import { whileAway } from "@/api/queries";
import { Notice } from "@/components/ui/notice";
import { ServiceProblem } from "@/components/ui/service-problem";

const LAST_KEY = "candleloop.last-series";

export function rememberSeries(seriesId: string): void {
  try {
    localStorage.setItem(LAST_KEY, seriesId);
  } catch {
    // Then "Annotate" opens the first series.
  }
}

/** Open the series that was annotated last, or the first one. */
export function LastSeries() {
  const router = useRouter();
  const { data, error } = useQuery({
    queryKey: ["series", "first"],
    queryFn: ({ signal }) => unwrap(api.GET("/series", { params: { query: { limit: 1000 } }, signal })),
    refetchInterval: whileAway,
  });
  const ids = data?.items.map((one) => one.series_id);
  const last = typeof localStorage === "undefined" ? null : localStorage.getItem(LAST_KEY);
  const target = ids && (ids.find((id) => id === last) ?? ids[0]);
  useEffect(() => {
    if (target) router.replace(`/annotate/${encodeURIComponent(target)}`);
  }, [router, target]);
  return (
    <main className="mx-auto w-full max-w-2xl p-6">
      <h1 className="sr-only">Annotate</h1>
      {error && <ServiceProblem error={error} />}
      {ids?.length === 0 && (
        <Notice title="No series yet">
          Import a file of candles on the{" "}
          <Link className="underline" href="/series">
            Series
          </Link>{" "}
          page.
        </Notice>
      )}
      {!error && ids?.length !== 0 && <p className="text-muted">Opening the series.</p>}
    </main>
  );
}
