"use client";

import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";

import { api, unwrap } from "@/api/client";
import { asProblem } from "@/api/errors";
import { keys } from "@/api/queries";
import { alarm, announce } from "@/lib/announce";
import { useNow } from "@/lib/use-now";

import { type Beginning, beginning, isActive, type Job, jobName, secondsLeft } from "./standing";

export function jobQuery(jobId: string) {
  return queryOptions({
    queryKey: keys.job(jobId),
    queryFn: ({ signal }) => unwrap(api.GET("/jobs/{job_id}", { params: { path: { job_id: jobId } }, signal })),
    refetchInterval: ({ state }) => (state.data === undefined || isActive(state.data) ? 700 : false),
    retry: (failures, error) => asProblem(error).isAway && failures < 20,
    staleTime: 500,
  });
}

export type JobFilter = { kind?: Job["kind"]; status?: Job["status"] };

export function jobsQuery(filter: JobFilter) {
  return queryOptions({
    queryKey: keys.listedJobs(filter),
    queryFn: ({ signal }) => unwrap(api.GET("/jobs", { params: { query: { ...filter, limit: 50 } }, signal })),
    refetchInterval: ({ state }) => (state.data?.items.some(isActive) ? 1_000 : 4_000),
    staleTime: 500,
  });
}

/** Follow a job to its end. */
export function useJob(jobId: string | null) {
  return useQuery({ ...jobQuery(jobId ?? ""), enabled: jobId !== null });
}

export function useCancelJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (job: Job) => unwrap(api.DELETE("/jobs/{job_id}", { params: { path: { job_id: job.id } } })),
    onSuccess: ({ job }) => {
      announce(`${jobName(job)}: ${job.status === "cancelled" ? "cancelled" : "it will stop within seconds"}.`);
      client.setQueryData(keys.job(job.id), job);
    },
    onError: (error) => alarm(asProblem(error).message),
    onSettled: () => client.invalidateQueries({ queryKey: keys.jobs }),
  });
}

export function useRetryJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (job: Job) => unwrap(api.POST("/jobs/{job_id}/retry", { params: { path: { job_id: job.id } } })),
    onSuccess: ({ job }) => announce(`${jobName(job)}: asked for again.`),
    onError: (error) => alarm(asProblem(error).message),
    onSettled: () => client.invalidateQueries({ queryKey: keys.jobs }),
  });
}

/** The present, and how long a job will take still. */
export function useTimeLeft(job: Job | undefined): { now: number; left: number | null } {
  const now = useNow();
  const began = useRef<Beginning | null>(null);
  if (job === undefined || job.status !== "running" || now === 0) began.current = null;
  else began.current = beginning(began.current, job, now);
  return { now, left: job === undefined ? null : secondsLeft(job, began.current, now) };
}
