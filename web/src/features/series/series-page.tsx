"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";

import { api, unwrap } from "@/api/client";
import { asProblem } from "@/api/errors";
import { keys } from "@/api/queries";
import { Notice } from "@/components/ui/notice";

export function SeriesPage() {
  const { data, error, isPending } = useQuery({
    queryKey: keys.series,
    queryFn: ({ signal }) => unwrap(api.GET("/series", { signal })),
  });
  return (
    <main className="mx-auto w-full max-w-5xl flex-1 overflow-y-auto p-6">
      <h1 className="mb-4 font-bold text-xl">Series</h1>
      {error && <Notice look="bad">{asProblem(error).message}</Notice>}
      {isPending && <p className="text-muted">Loading the list.</p>}
      <ul className="divide-y divide-line">
        {data?.items.map((one) => (
          <li key={one.series_id} className="py-2">
            <Link href={`/annotate/${encodeURIComponent(one.series_id)}`} className="font-medium underline">
              {one.symbol}
            </Link>{" "}
            <span className="tabular text-muted">{one.bars.toLocaleString("en")} candles</span>
          </li>
        ))}
      </ul>
    </main>
  );
}
