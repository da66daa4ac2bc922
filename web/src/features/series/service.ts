"use client";

import { infiniteQueryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";
import { asProblem } from "@/api/errors";
import { keys } from "@/api/queries";
import { alarm, announce } from "@/lib/announce";

export type ListedSeries = Schemas["ListedSeries"];

const PAGE = 100;

/** All series with what lies on each; asked again soon while counts are out of date. */
export function listedSeriesQuery(labelSet: string) {
  return infiniteQueryOptions({
    queryKey: keys.listedSeries(labelSet),
    queryFn: ({ pageParam, signal }) =>
      unwrap(
        api.GET("/series", {
          params: { query: { label_set: labelSet, limit: PAGE, ...(pageParam !== null && { cursor: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor ?? null,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some((one) => !one.counts.current)) ? 1_000 : 10_000,
    staleTime: 1_000,
  });
}

/** Let TA-Lib search series, all of them unless some are named. */
export function useAutolabel(labelSet: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (series: readonly string[] | null) =>
      unwrap(api.POST("/autolabel", { body: { label_set: labelSet, series: series === null ? null : [...series] } })),
    onSuccess: () => {
      announce("Auto-labelling is under way.");
      void client.invalidateQueries({ queryKey: keys.jobs });
    },
    onError: (error) => alarm(asProblem(error).message),
  });
}

export function annotationsOf({ counts }: ListedSeries): { people: number; talib: number } {
  const { talib = 0, ...people } = counts.annotations;
  return { people: Object.values(people).reduce((sum, one) => sum + (one ?? 0), 0), talib };
}

export function disagreementsOf({ counts }: ListedSeries): number | null {
  return counts.disagreements === null ? null : Object.values(counts.disagreements).reduce((sum, one) => sum + one, 0);
}
