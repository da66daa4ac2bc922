"use client";

import { useQuery } from "@tanstack/react-query";

import { labelSetStatusQuery } from "@/api/queries";
import { useNow } from "@/lib/use-now";

/** How much waits to teach, when the next training starts, how far it is: what one's decisions lead to. */
export function LearningStatus({ labelSet }: { labelSet: string }) {
  const { data: status } = useQuery(labelSetStatusQuery(labelSet));
  const now = useNow();
  const training = status?.training?.status === "running" ? status.training : null;
  const parts: string[] = [];
  if (status) {
    const { waiting, next_retrain_at: due } = status.feedback;
    if (status.champion === null && !training) parts.push("no model yet: decide TA-Lib's marks, then train");
    if (waiting > 0) parts.push(`${waiting} ${waiting === 1 ? "edit waits" : "edits wait"} to teach`);
    else if (status.champion !== null) parts.push("nothing waits to teach");
    if (!training && due && now > 0) {
      const seconds = Math.max(0, Math.round((Date.parse(due) - now) / 1000));
      parts.push(seconds === 0 ? "a training starts now" : `next training in ${seconds} s`);
    }
  }
  if (training) {
    const { stage, done, total } = training.progress;
    parts.push(`training${stage ? `: ${stage}` : ""}${total ? ` ${done} of ${total}` : ""}`);
  }
  return (
    <span className="flex items-center gap-2" data-testid="learning">
      {training && <progress aria-label="Training" className="h-1.5 w-20" {...progressOf(training.progress)} />}
      <span>{parts.join(" · ")}</span>
    </span>
  );
}

function progressOf({ done, total }: { done: number; total: number | null }): { value?: number; max?: number } {
  return total ? { value: done, max: total } : {};
}
