"use client";

import Link from "next/link";
import type { ReactNode } from "react";

import { asProblem } from "@/api/errors";
import { Notice } from "@/components/ui/notice";
import { Card, Page, Skeleton } from "@/components/ui/page";
import { ProgressBar } from "@/components/ui/progress-bar";
import { ServiceProblem } from "@/components/ui/service-problem";
import { duration, labelName, moment } from "@/lib/format";

import { JobTag } from "./job-progress";
import { JobActions } from "./job-row";
import { useJob, useTimeLeft } from "./service";
import { isActive, isStalled, type Job, jobName, progressWords, resultWords, shareOf } from "./standing";

export function JobPage({ jobId }: { jobId: string }) {
  const { data: job, error, failureReason, isPending } = useJob(jobId);
  const unknown = error !== null && asProblem(error).code === "unknown_job";
  // While it is tried again and again nothing has failed yet for good, but there is something to say.
  const trouble = error ?? (job ? null : failureReason);
  return (
    <Page
      title={job ? jobName(job) : "Job"}
      lead={
        <>
          <Link href="/jobs" className="underline">
            All jobs
          </Link>{" "}
          · <span className="break-all font-mono text-xs">{jobId}</span>
        </>
      }
      actions={job && <JobActions job={job} />}
    >
      {unknown && (
        <Notice look="warn" title="There is no such job">
          Nothing is known of a job of this id here. It may belong to another data folder.
        </Notice>
      )}
      {trouble && !unknown && <ServiceProblem error={trouble} />}
      {isPending && !trouble && <Skeleton rows={2} label="Loading the job" />}
      {job && <Facts job={job} />}
    </Page>
  );
}

function Facts({ job }: { job: Job }) {
  const { now, left } = useTimeLeft(job);
  const { result } = job;
  return (
    <div className="space-y-4">
      {job.status === "failed" && (
        <Notice look="bad" title="It failed">
          {job.error?.message} <span className="font-mono text-xs">({job.error?.code})</span>
        </Notice>
      )}
      {isStalled(job, now) && (
        <Notice look="warn" title="It stalls">
          No progress for {duration((now - Date.parse(job.progressed_at ?? job.created_at)) / 1000)}. When its worker
          died, the job is begun again by itself.
        </Notice>
      )}
      <Card className="p-4">
        <div className="mb-3 flex flex-wrap items-center gap-3">
          <JobTag job={job} now={now} />
          <span className="tabular text-muted">
            {job.progress.stage && `${job.progress.stage}: `}
            {job.progress.total !== null && progressWords(job)}
            {left !== null && `, about ${duration(left)} left`}
          </span>
        </div>
        {isActive(job) && <ProgressBar value={shareOf(job)} label="Progress" />}
        <dl className="mt-4 grid gap-x-8 gap-y-2 sm:grid-cols-2">
          <Fact name="Label set">{job.label_set ?? "–"}</Fact>
          <Fact name="Asked for by">{job.requested_by === "api" ? "somebody" : job.requested_by}</Fact>
          <Fact name="Asked for">{moment(job.created_at)} UTC</Fact>
          <Fact name="Began">{job.started_at ? `${moment(job.started_at)} UTC` : "not yet"}</Fact>
          <Fact name="Ended">{job.ended_at ? `${moment(job.ended_at)} UTC` : "not yet"}</Fact>
        </dl>
      </Card>
      {result && (
        <Card className="space-y-3 p-4">
          <h2 className="font-semibold">Result</h2>
          <p className="text-muted">{resultWords(job)}</p>
          {"by_label" in result && <ByLabel counts={result.by_label} />}
          {"reasons" in result && (
            <ul className="list-disc space-y-1 pl-5 text-muted">
              {[...result.reasons, ...result.warnings].map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          )}
        </Card>
      )}
    </div>
  );
}

function ByLabel({ counts }: { counts: Record<string, number> }) {
  const most = Math.max(1, ...Object.values(counts));
  return (
    <ul className="space-y-1">
      {Object.entries(counts).map(([label, count]) => (
        <li key={label} className="grid grid-cols-[9rem_1fr_3.5rem] items-center gap-3">
          <span className="truncate">{labelName(label)}</span>
          <span
            aria-hidden="true"
            className="h-2 rounded-full bg-human/70"
            style={{ width: `${(count / most) * 100}%` }}
          />
          <span className="tabular text-right">{count}</span>
        </li>
      ))}
    </ul>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex gap-3">
      <dt className="w-28 shrink-0 text-muted">{name}</dt>
      <dd className="tabular min-w-0">{children}</dd>
    </div>
  );
}
