"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { create } from "zustand";

import { api, unwrap } from "@/api/client";
import { asProblem } from "@/api/errors";
import { keys } from "@/api/queries";
import { Button } from "@/components/ui/button";
import { isActive, JobProgress, useJob } from "@/features/jobs";
import { alarm, announce } from "@/lib/announce";

/** The batch that was asked for last; kept while one looks at other pages. */
const useLastBatch = create<{ jobId: string | null; follow: (jobId: string | null) => void }>((set) => ({
  jobId: null,
  follow: (jobId) => set({ jobId }),
}));

/** Predict every series by `POST /predict/batch`, and follow it here. */
export function ScoreAll({ labelSet, onScored }: { labelSet: string; onScored?: () => void }) {
  const client = useQueryClient();
  const { jobId, follow } = useLastBatch();
  const { data: job, error } = useJob(jobId);
  const start = useMutation({
    mutationFn: async () => {
      const series = await everySeries();
      return unwrap(api.POST("/predict/batch", { body: { series, label_set: labelSet, format: "ndjson" } }));
    },
    onSuccess: (answer) => {
      follow(answer.job.id);
      announce("Scoring all series.");
      void client.invalidateQueries({ queryKey: keys.jobs });
    },
    onError: (problem) => alarm(asProblem(problem).message),
  });
  const status = job?.status;
  useEffect(() => {
    if (status !== "succeeded") return;
    announce("All series are scored.");
    void client.invalidateQueries({ queryKey: keys.series });
    onScored?.();
  }, [client, status, onScored]);
  const problem = start.error ?? error;
  return (
    <div className="space-y-2">
      {!(job && isActive(job)) && (
        <Button small className="w-full" disabled={start.isPending} onClick={() => start.mutate()}>
          Score all series
        </Button>
      )}
      {problem && <p className="text-bad text-xs">{asProblem(problem).message}</p>}
      {job && <JobProgress job={job} onDismiss={() => follow(null)} />}
      {job?.status === "succeeded" && job.result_url && (
        <a
          className="text-human text-xs underline"
          href={`/api${job.result_url}`}
          download={`predictions-${job.id.slice(0, 8)}.ndjson`}
        >
          Download the result
        </a>
      )}
    </div>
  );
}

async function everySeries(): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: { series_id: string }[]; next_cursor?: string | null } = await unwrap(
      api.GET("/series", { params: { query: { limit: 1_000, ...(cursor !== null && { cursor }) } } }),
    );
    ids.push(...page.items.map((one) => one.series_id));
    cursor = page.next_cursor ?? null;
  } while (cursor !== null);
  return ids;
}
