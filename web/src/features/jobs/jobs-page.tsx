"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useState } from "react";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { Card, Page, Skeleton } from "@/components/ui/page";
import { ServiceProblem } from "@/components/ui/service-problem";

import { JobRow } from "./job-row";
import { type JobFilter, jobsQuery } from "./service";
import { isActive, type Job } from "./standing";

const KINDS: readonly { value: Job["kind"] | ""; name: string }[] = [
  { value: "", name: "All work" },
  { value: "autolabel", name: "Auto-label" },
  { value: "batch", name: "Predict" },
  { value: "train", name: "Train" },
];
const STATUSES: readonly (Job["status"] | "")[] = ["", "queued", "running", "succeeded", "failed", "cancelled"];

export function JobsPage() {
  const [kind, setKind] = useState<Job["kind"] | "">("");
  const [status, setStatus] = useState<Job["status"] | "">("");
  const filter: JobFilter = { ...(kind && { kind }), ...(status && { status }) };
  const { data, error, isPending } = useQuery(jobsQuery(filter));
  const active = data?.items.filter(isActive).length ?? 0;
  const filtered = kind !== "" || status !== "";
  return (
    <Page
      title="Jobs"
      lead={
        active > 0
          ? `${active} under way`
          : "Auto-labelling, training and predictions of many series run in the background."
      }
      actions={
        <>
          <Choice label="Kind" value={kind} onChange={(value) => setKind(value as Job["kind"] | "")}>
            {KINDS.map((one) => (
              <option key={one.value} value={one.value}>
                {one.name}
              </option>
            ))}
          </Choice>
          <Choice label="Status" value={status} onChange={(value) => setStatus(value as Job["status"] | "")}>
            {STATUSES.map((one) => (
              <option key={one} value={one}>
                {one || "any status"}
              </option>
            ))}
          </Choice>
        </>
      }
    >
      {error && (
        <div className="mb-4">
          <ServiceProblem error={error} />
        </div>
      )}
      {isPending && !error && <Skeleton label="Loading the jobs" />}
      {data?.items.length === 0 && (
        <Notice
          title={filtered ? "No such jobs" : "No jobs yet"}
          action={
            filtered && (
              <Button
                small
                onClick={() => {
                  setKind("");
                  setStatus("");
                }}
              >
                Clear filters
              </Button>
            )
          }
        >
          {filtered ? (
            "The filters hide everything."
          ) : (
            <>
              Auto-label something on the{" "}
              <Link href="/series" className="underline">
                Series
              </Link>{" "}
              page.
            </>
          )}
        </Notice>
      )}
      {data && data.items.length > 0 && (
        <Card>
          <ul className="divide-y divide-line">
            {data.items.map((job) => (
              <JobRow key={job.id} job={job} />
            ))}
          </ul>
        </Card>
      )}
    </Page>
  );
}

function Choice({
  label,
  value,
  onChange,
  children,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  children: React.ReactNode;
}) {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      className="min-h-8 rounded-md border border-line-strong bg-bg px-2 text-sm"
    >
      {children}
    </select>
  );
}
