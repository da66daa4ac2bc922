"use client";

import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";

import { asProblem } from "@/api/errors";
import { seriesQuery } from "@/api/queries";
import { Notice } from "@/components/ui/notice";
import { rememberSeries } from "@/features/annotate/last-series";

export function AnnotatePage({ seriesId }: { seriesId: string }) {
  const { data, error } = useQuery(seriesQuery(seriesId));
  useEffect(() => rememberSeries(seriesId), [seriesId]);
  return (
    <main className="flex-1 p-4">
      {error && <Notice look="bad">{asProblem(error).message}</Notice>}
      <h1 className="font-bold text-xl">{data?.symbol ?? seriesId}</h1>
    </main>
  );
}
