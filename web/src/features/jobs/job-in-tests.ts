import type { Job } from "./standing";

/** A job as the service describes it, for tests. */
export function job(change: Partial<Job>): Job {
  return {
    id: "0123456789abcdef",
    kind: "batch",
    status: "queued",
    progress: { done: 0, total: null, unit: "steps", stage: null },
    progressed_at: null,
    cancel_requested: false,
    requested_by: "api",
    correlation_id: null,
    label_set: "default",
    scheduled_for: null,
    created_at: "2026-11-25T11:00:00Z",
    started_at: null,
    ended_at: null,
    error: null,
    result: null,
    result_url: null,
    ...change,
  };
}
