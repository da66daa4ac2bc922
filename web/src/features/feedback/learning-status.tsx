"use client";

import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { api, unwrap } from "@/api/client";
import { asProblem } from "@/api/errors";
import { keys, modelInfoQuery } from "@/api/queries";

/** How much waits to teach, when the next training starts, how far it is: what one's decisions lead to. */
export function LearningStatus({ labelSet }: { labelSet: string }) {
  const { data: info, error } = useQuery(modelInfoQuery(labelSet));
  const { data: jobs } = useQuery({
    queryKey: [...keys.jobs, "training", labelSet],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/jobs", {
          params: { query: { kind: "train", status: "running", label_set: labelSet, limit: 5 } },
          signal,
        }),
      ),
    refetchInterval: 2_000,
  });
  const now = useNow();
  const running = jobs?.items.find((job) => job.status === "running");
  const parts: string[] = [];
  if (info) {
    const { waiting, next_retrain_at: due } = info.feedback;
    parts.push(
      waiting === 0 ? "nothing waits to teach" : `${waiting} ${waiting === 1 ? "edit waits" : "edits wait"} to teach`,
    );
    if (!running && due && now !== null) {
      const seconds = Math.max(0, Math.round((Date.parse(due) - now) / 1000));
      parts.push(seconds === 0 ? "a training starts now" : `next training in ${seconds} s`);
    }
  } else if (error && asProblem(error).code === "no_model") {
    parts.push("no model yet: decide TA-Lib's marks, then train");
  }
  if (running) {
    const { stage, done, total } = running.progress;
    parts.push(`training${stage ? `: ${stage}` : ""}${total ? ` ${done} of ${total}` : ""}`);
  }
  return (
    <span className="flex items-center gap-2" data-testid="learning">
      {running && <progress aria-label="Training" className="h-1.5 w-20" {...progressOf(running.progress)} />}
      <span>{parts.join(" · ")}</span>
    </span>
  );
}

function progressOf({ done, total }: { done: number; total: number | null }): { value?: number; max?: number } {
  return total ? { value: done, max: total } : {};
}

function useNow(): number | null {
  const [now, setNow] = useState<number | null>(null);
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
