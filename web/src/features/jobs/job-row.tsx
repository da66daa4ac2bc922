"use client";

import Link from "next/link";

import { Button } from "@/components/ui/button";
import { ProgressBar } from "@/components/ui/progress-bar";
import { ago, duration, moment } from "@/lib/format";

import { JobTag } from "./job-progress";
import { useCancelJob, useRetryJob, useTimeLeft } from "./service";
import { isActive, isStalled, type Job, jobName, progressWords, resultWords, shareOf } from "./standing";

export function JobRow({ job }: { job: Job }) {
  const { now, left } = useTimeLeft(job);
  const share = shareOf(job);
  return (
    <li className="grid gap-x-4 gap-y-2 px-4 py-3 sm:grid-cols-[minmax(0,1fr)_auto]">
      <div className="min-w-0 space-y-1.5">
        <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <Link href={`/jobs/${job.id}`} className="font-medium hover:underline">
            {jobName(job)}
          </Link>
          <JobTag job={job} now={now} />
          <span className="text-muted text-xs">
            {job.label_set && `${job.label_set} · `}
            <time dateTime={job.created_at} title={`${moment(job.created_at)} UTC`}>
              {now === 0 ? moment(job.created_at) : ago(job.created_at, now)}
            </time>
            {tookWords(job)}
          </span>
        </div>
        {isActive(job) && (
          <div className="flex items-center gap-3">
            <div className="max-w-72 flex-1">
              <ProgressBar
                value={share}
                label={`${jobName(job)}, progress`}
                look={isStalled(job, now) ? "still" : "busy"}
              />
            </div>
            <span className="tabular text-muted text-xs">
              {job.status === "queued" && job.progress.total === null ? "waits for a worker" : progressWords(job)}
              {left !== null && `, about ${duration(left)} left`}
            </span>
          </div>
        )}
        {isStalled(job, now) && (
          <p className="text-warn text-xs">
            No progress for {duration((now - Date.parse(job.progressed_at ?? job.created_at)) / 1000)}.
          </p>
        )}
        {job.status === "failed" && <p className="text-bad text-sm">{job.error?.message}</p>}
        {job.status === "failed" && job.progress.total !== null && job.progress.done > 0 && (
          <p className="text-muted text-xs">It had done {progressWords(job)} when it failed.</p>
        )}
        {job.status === "succeeded" && <p className="text-muted text-sm">{resultWords(job)}</p>}
      </div>
      <JobActions job={job} />
    </li>
  );
}

function tookWords({ started_at, ended_at }: Job): string {
  if (started_at === null || ended_at === null) return "";
  return ` · took ${duration((Date.parse(ended_at) - Date.parse(started_at)) / 1000)}`;
}

export function JobActions({ job }: { job: Job }) {
  const cancel = useCancelJob();
  const retry = useRetryJob();
  return (
    <div className="flex items-start gap-2">
      {isActive(job) && (
        <Button small disabled={cancel.isPending || job.cancel_requested} onClick={() => cancel.mutate(job)}>
          Cancel
        </Button>
      )}
      {(job.status === "failed" || job.status === "cancelled") && (
        <Button small disabled={retry.isPending || retry.isSuccess} onClick={() => retry.mutate(job)}>
          {retry.isSuccess ? "Asked again" : "Try again"}
        </Button>
      )}
      {job.result_url && hasFile(job) && <Download job={job} />}
    </div>
  );
}

/** Only predictions that somebody asked for are a file; what the others found out is on the page. */
function hasFile({ result }: Job): boolean {
  return result !== null && "file" in result && result.file !== null;
}

/** A link and not a button: the browser streams the file to the disk, however large it is. */
function Download({ job }: { job: Job }) {
  return (
    <a
      href={`/api${job.result_url}`}
      download={`${job.kind}-${job.id.slice(0, 8)}`}
      className="inline-flex min-h-6 items-center rounded-md border border-line-strong bg-raised px-2 font-medium text-xs hover:bg-surface"
    >
      Download<span className="sr-only"> the result of {jobName(job)}</span>
    </a>
  );
}
