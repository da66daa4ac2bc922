import type { Schemas } from "@/api/client";
import type { Annotation, Target } from "@/features/annotations";
import { msOf } from "@/lib/times";

export function predictionTarget(one: Schemas["StoredPrediction"]): Target {
  return {
    kind: "prediction",
    id: one.id,
    label: one.label,
    start: msOf(one.start_time),
    end: msOf(one.end_time),
    confidence: one.confidence,
    modelVersion: one.model_version,
  };
}

/** Marks of TA-Lib's are decided on like predictions; what a person said is changed instead. */
export function annotationTarget(one: Annotation): Target | null {
  if (one.origin !== "talib" || one.id === null) return null;
  const { id, label, start, end } = one;
  return { kind: "annotation", id, label, start, end, confidence: null, modelVersion: null };
}
