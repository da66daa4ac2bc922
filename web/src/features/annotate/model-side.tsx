"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";

import type { PageScene } from "@/features/annotate/use-scene";
import { useWindow, useWorkspace } from "@/features/annotate/workspace";
import { PredictionPanel } from "@/features/predictions";
import { isoTime } from "@/lib/times";

/** The prediction panel beside the chart of this page. */
export function ModelSide({ scene }: { scene: PageScene }) {
  const { series, labelSet } = useWorkspace();
  const queries = useQueryClient();
  const bars = useWindow((state) => state.bars);
  const { scores, port } = scene;
  const visibleRange = useCallback(() => {
    const visible = port?.visible();
    const last = bars.time.length - 1;
    if (!visible || last < 0) return null;
    const at = (bar: number) => isoTime(bars.time[Math.max(0, Math.min(last, bar))] as number);
    return { startTime: at(visible.first), endTime: at(visible.last) };
  }, [port, bars]);
  const renew = useCallback(() => {
    void queries.invalidateQueries({ queryKey: ["predictions", series.series_id, labelSet.name] });
    void queries.invalidateQueries({ queryKey: ["disagreements", series.series_id, labelSet.name] });
  }, [queries, series.series_id, labelSet.name]);
  return (
    <PredictionPanel
      seriesId={series.series_id}
      labelSet={labelSet}
      predictions={scene.allPredictions}
      scoring={
        scores.data
          ? {
              modelVersion: scores.data.modelVersion,
              fetchedAt: scores.dataUpdatedAt,
              stale: scores.data.stale,
            }
          : null
      }
      error={scene.scoresError}
      visibleRange={visibleRange}
      onScored={renew}
    />
  );
}
