"use client";

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";
import { type Disagreement, type Flag, type Flags, placeKey, type StoredPrediction } from "@/features/annotate/layers";
import type { Range } from "@/features/annotations";
import { isoTime, msOf } from "@/lib/times";

const PAGE = 1_000;
/** Pages that are read at most; from so far away no single prediction can be told from another. */
const MOST_PAGES = 20;

export type Scores = {
  readonly predictions: readonly StoredPrediction[];
  readonly modelVersion: string | null;
  readonly stale: boolean;
  /** Not everything on these bars was read. */
  readonly cut: boolean;
};

/** The stored predictions on the bars of a range. */
export function usePredictions(seriesId: string, labelSet: string, range: Range | null) {
  return useQuery<Scores>({
    queryKey: ["predictions", seriesId, labelSet, range?.start ?? null, range?.end ?? null],
    enabled: range !== null,
    placeholderData: keepPreviousData,
    // Stale ones are made again in the background; until then it is worth looking.
    refetchInterval: (query) => (query.state.data?.stale ? 2_000 : false),
    queryFn: ({ signal }) => readPredictions(seriesId, labelSet, range as Range, signal, MOST_PAGES),
  });
}

/** Read the stored predictions on the bars of a range, all of them unless there are more pages than `most`. */
export async function readPredictions(
  seriesId: string,
  labelSet: string,
  { start, end }: Range,
  signal: AbortSignal,
  most = Number.POSITIVE_INFINITY,
): Promise<Scores> {
  const predictions: StoredPrediction[] = [];
  const query = { label_set: labelSet, start_time: isoTime(start), end_time: isoTime(end), limit: PAGE };
  for (let cursor: string | undefined, page = 1; ; page++) {
    const answer = await unwrap(
      api.GET("/series/{series_id}/predictions", {
        params: { path: { series_id: seriesId }, query: { ...query, cursor } },
        signal,
      }),
    );
    predictions.push(...answer.items);
    cursor = answer.next_cursor ?? undefined;
    if (cursor === undefined || page === most) {
      return { predictions, modelVersion: answer.model_version, stale: answer.stale, cut: cursor !== undefined };
    }
  }
}

/** What people could not tell about a series, the first thousand of it. */
export function useFlags(seriesId: string, labelSet: string, enabled = true) {
  return useQuery<Flags>({
    queryKey: ["flags", seriesId, labelSet],
    enabled,
    queryFn: async ({ signal }) => {
      const params = { path: { series_id: seriesId }, query: { label_set: labelSet, limit: PAGE } };
      const { items } = await unwrap(api.GET("/series/{series_id}/flags", { params, signal }));
      const flags = new Map<string, Flag[]>();
      for (const one of items) {
        const key = placeKey(one.label, { start: msOf(one.start_time), end: msOf(one.end_time) });
        flags.set(key, [...(flags.get(key) ?? []), one]);
      }
      return flags;
    },
  });
}

/** All disagreements of a series, the first thousands of them, by time. */
export function useDisagreements(seriesId: string, labelSet: string, enabled = true) {
  return useQuery<{ items: readonly Disagreement[]; cut: boolean }>({
    queryKey: ["disagreements", seriesId, labelSet],
    enabled,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const items: Disagreement[] = [];
      for (let cursor: string | undefined, page = 1; ; page++) {
        const answer = await unwrap(
          api.GET("/series/{series_id}/disagreements", {
            params: { path: { series_id: seriesId }, query: { label_set: labelSet, limit: PAGE, cursor } },
            signal,
          }),
        );
        items.push(...answer.items);
        cursor = answer.next_cursor ?? undefined;
        if (cursor === undefined || page === 5) return { items, cut: cursor !== undefined };
      }
    },
  });
}
