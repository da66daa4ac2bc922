import type { Schemas } from "@/api/client";

import type { FreshPredictions } from "./store";

type Stored = Schemas["StoredPrediction"];

/** The stored predictions, and those made just now of this series that are not among them. */
export function withFresh(
  stored: readonly Stored[],
  fresh: FreshPredictions | null,
  { seriesId, labelSet }: { seriesId: string; labelSet: string },
): readonly Stored[] {
  if (fresh === null || fresh.seriesId !== seriesId || fresh.labelSet !== labelSet) return stored;
  const known = new Set(stored.map((one) => one.id));
  const added: Stored[] = [];
  for (const { id, start_index: _start, end_index: _end, ...one } of fresh.predictions) {
    if (id === null || known.has(id)) continue;
    added.push({ ...one, id, model_version: fresh.modelVersion, out_of_fold: false, stale: false });
  }
  return added.length === 0 ? stored : [...stored, ...added];
}
