import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";
import { asProblem } from "@/api/errors";

/** Keys of everything that is read from the service; what changes something invalidates by these. */
export const keys = {
  labelSets: ["label-sets"] as const,
  series: ["series"] as const,
  oneSeries: (seriesId: string, labelSet: string | undefined) => ["series", seriesId, labelSet ?? null] as const,
  modelInfo: (labelSet: string) => ["model-info", labelSet] as const,
  models: (labelSet: string) => ["models", labelSet] as const,
  listedSeries: (labelSet: string) => ["series", "list", labelSet] as const,
  jobs: ["jobs"] as const,
  listedJobs: (filter: { kind?: string; status?: string }) => ["jobs", "list", filter] as const,
  labelSetStatus: (labelSet: string) => ["label-set-status", labelSet] as const,
  job: (jobId: string) => ["jobs", jobId] as const,
  readiness: ["readiness"] as const,
};

const ASK_AGAIN = 4_000;

/** What a page cannot begin without is asked for again by itself while the service is away. */
export function whileAway({ state }: { state: { error: Error | null } }): number | false {
  return state.error !== null && asProblem(state.error).isAway && ASK_AGAIN;
}

export const labelSetsQuery = queryOptions({
  queryKey: keys.labelSets,
  queryFn: ({ signal }) => unwrap(api.GET("/label-sets", { signal })),
  staleTime: 60_000,
  refetchInterval: whileAway,
});

export function seriesQuery(seriesId: string, labelSet?: string) {
  return queryOptions({
    queryKey: keys.oneSeries(seriesId, labelSet),
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/series/{series_id}", {
          params: { path: { series_id: seriesId }, query: { label_set: labelSet } },
          signal,
        }),
      ),
    refetchInterval: whileAway,
  });
}

/** The served model and what waits to teach the next one; looked at every few seconds, which is how news arrives. */
export function modelInfoQuery(labelSet: string) {
  return queryOptions({
    queryKey: keys.modelInfo(labelSet),
    queryFn: ({ signal }) => unwrap(api.GET("/model/info", { params: { query: { label_set: labelSet } }, signal })),
    refetchInterval: 3_000,
    staleTime: 1_000,
  });
}

/** Where the loop of a label set stands, with or without a model. */
export function labelSetStatusQuery(labelSet: string) {
  return queryOptions({
    queryKey: keys.labelSetStatus(labelSet),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/label-sets/{label_set}/status", { params: { path: { label_set: labelSet } }, signal })),
    refetchInterval: 2_000,
    staleTime: 1_000,
  });
}

/** How often it is asked whether the service is there, in ms. */
export const READINESS_EVERY = 5_000;

export const readinessQuery = queryOptions({
  queryKey: keys.readiness,
  queryFn: ({ signal }) => unwrap(api.GET("/readyz", { signal })),
  refetchInterval: READINESS_EVERY,
  retry: false,
});
