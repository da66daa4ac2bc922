"use client";

import { Button } from "@/components/ui/button";
import { ProgressBar } from "@/components/ui/progress-bar";
import { Tag } from "@/components/ui/tag";
import { duration } from "@/lib/format";

import { useCancelJob, useTimeLeft } from "./service";
import { isActive, isStalled, type Job, jobName, progressWords, resultWords, shareOf, statusWords } from "./standing";

const TAGS = { queued: "plain", running: "human", succeeded: "good", failed: "bad", cancelled: "plain" } as const;

export function JobTag({ job, now }: { job: Job; now: number }) {
  const stalled = isStalled(job, now);
  return <Tag look={stalled ? "warn" : TAGS[job.status]}>{statusWords(job, now)}</Tag>;
}

/** A job in the place where somebody asked for it: how far it is, how long it will take, how to stop it. */
export function JobProgress({ job, onDismiss }: { job: Job; onDismiss?: () => void }) {
  const { now, left } = useTimeLeft(job);
  const cancel = useCancelJob();
  return (
    <section aria-label={jobName(job)} className="space-y-1.5">
      <div className="flex flex-wrap items-center gap-2">
        <span className="font-medium">{jobName(job)}</span>
        <JobTag job={job} now={now} />
        <span className="tabular min-w-0 flex-1 text-muted text-xs">
          {isActive(job) && progressWords(job)}
          {left !== null && `, about ${duration(left)} left`}
        </span>
        {isActive(job) ? (
          <Button small disabled={cancel.isPending || job.cancel_requested} onClick={() => cancel.mutate(job)}>
            Cancel
          </Button>
        ) : (
          onDismiss && (
            <Button small look="quiet" onClick={onDismiss}>
              Close
            </Button>
          )
        )}
      </div>
      {isActive(job) && <ProgressBar value={shareOf(job)} label={`${jobName(job)}, progress`} />}
      {isStalled(job, now) && (
        <p className="text-warn text-xs">
          No progress for {duration((now - Date.parse(job.progressed_at ?? job.created_at)) / 1000)}. The worker may
          have died; then the job is begun again by itself.
        </p>
      )}
      {job.status === "failed" && <p className="text-bad text-xs">{job.error?.message}</p>}
      {job.status === "succeeded" && <p className="text-muted text-xs">{resultWords(job)}</p>}
    </section>
  );
}
