import type { Schemas } from "@/api/client";
import { count, duration } from "@/lib/format";

export type Job = Schemas["Job"];

export const STALLED_SECONDS = 60;

export function isActive(job: Job): boolean {
  return job.status === "queued" || job.status === "running";
}

/** Whether a running job has not come further for a minute. */
export function isStalled(job: Job, now: number): boolean {
  const last = job.progressed_at ?? job.started_at;
  return job.status === "running" && last !== null && now - Date.parse(last) > STALLED_SECONDS * 1000;
}

/** How far it is, 0 to 1; null when nobody knows. */
export function shareOf({ status, progress }: Job): number | null {
  if (status === "succeeded") return 1;
  if (progress.total === null || progress.total === 0) return null;
  return Math.min(1, progress.done / progress.total);
}

/** 37 of 120 series */
export function progressWords({ progress }: Job): string {
  if (progress.total === null) return progress.stage ?? "";
  return `${count(progress.done)} of ${count(progress.total)} ${progress.unit}`;
}

/** What was seen of a job when a stage of it began. */
export type Beginning = { readonly stage: string | null; readonly done: number; readonly at: number };

/** The beginning that a later look is compared with: a new one when the stage changed or it counts anew. */
export function beginning(before: Beginning | null, job: Job, now: number): Beginning {
  const { stage, done } = job.progress;
  if (before === null || before.stage !== stage || done < before.done) return { stage, done, at: now };
  return before;
}

const LEAST_SECONDS = 2;

/** Seconds that the present stage will take at the pace seen so far; null before anything can be said. */
export function secondsLeft(job: Job, began: Beginning | null, now: number): number | null {
  const { done, total } = job.progress;
  if (job.status !== "running" || began === null || total === null) return null;
  const seconds = (now - began.at) / 1000;
  const more = done - began.done;
  if (seconds < LEAST_SECONDS || more <= 0) return null;
  return ((total - done) * seconds) / more;
}

const NAMES: Record<Job["kind"], string> = {
  autolabel: "Auto-label",
  batch: "Predict",
  batch_helper: "Help a prediction",
  tidy: "Remove old files",
  track: "Tell MLflow",
  train: "Train",
};

export function jobName(job: Job): string {
  if (job.kind === "train" && job.requested_by === "feedback") return "Retrain after feedback";
  if (job.kind === "train" && job.requested_by === "nightly") return "Retrain at night";
  if (job.kind === "batch" && job.requested_by !== "api") return "Renew stored predictions";
  return NAMES[job.kind];
}

/** Where it stands, in a few words. */
export function statusWords(job: Job, now: number): string {
  if (job.status === "running") {
    if (job.cancel_requested) return "stopping";
    return isStalled(job, now) ? "stalled" : "running";
  }
  if (job.status === "queued" && job.scheduled_for !== null && Date.parse(job.scheduled_for) > now) {
    return `starts in ${duration((Date.parse(job.scheduled_for) - now) / 1000)}`;
  }
  return job.status;
}

/** What a job that succeeded found out, in a sentence. */
export function resultWords({ result }: Job): string | null {
  if (result === null) return null;
  if ("spans" in result) return `${count(result.spans)} spans found in ${count(result.series)} series.`;
  if ("predictions" in result) {
    const failed = result.problems > 0 ? ` ${count(result.problems)} of them could not be predicted.` : "";
    return `${count(result.predictions)} predictions in ${count(result.inputs)} series, ${count(result.candles)} candles.${failed}`;
  }
  return `${result.promoted ? "It went live" : "It did not go live"}: version ${result.version}. ${result.reasons[0] ?? ""}`;
}
