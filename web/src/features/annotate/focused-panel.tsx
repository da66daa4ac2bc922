"use client";

import { DisputeFacts, FlagNotes, PredictionFacts } from "@/features/annotate/hover-card";
import { labelName } from "@/features/annotate/layers";
import type { PageScene } from "@/features/annotate/use-scene";
import { useAnnotations, useSession, useWorkspace } from "@/features/annotate/workspace";
import { shortTime } from "@/lib/times";

/** What is chosen, in words. */
export function FocusedPanel({ scene }: { scene: PageScene }) {
  const { series } = useWorkspace();
  const chosen = useSession((state) => state.chosen);
  const annotation = useAnnotations((state) => (chosen ? state.byKey.get(chosen.key) : undefined));
  return (
    <section
      aria-label="Chosen span"
      className="border-line border-b p-3 text-xs"
      data-testid="focused"
      data-key={chosen?.key ?? ""}
    >
      <h2 className="mb-1 font-semibold text-sm">Chosen</h2>
      {chosen === null && (
        <p className="text-muted">Nothing. N goes to the next span to decide, G to the next disagreement.</p>
      )}
      {chosen?.lane === "model" && <PredictionFacts id={chosen.key} scene={scene} />}
      {chosen?.lane === "dispute" && <DisputeFacts id={chosen.key} scene={scene} />}
      {annotation && (
        <>
          <p className="font-semibold text-sm">
            {labelName(annotation.label)}{" "}
            <span className="font-normal text-muted">
              {annotation.origin === "talib" ? "by TA-Lib" : annotation.origin}
            </span>
          </p>
          <p className="tabular text-muted">
            {shortTime(annotation.start, series.timeframe_seconds)} to{" "}
            {shortTime(annotation.end, series.timeframe_seconds)}
            {annotation.unsaved && " · not saved yet"}
            {annotation.flagged && " · flagged: its candles were revised"}
          </p>
          {annotation.origin === "talib" && <FlagNotes place={annotation} scene={scene} />}
        </>
      )}
    </section>
  );
}
