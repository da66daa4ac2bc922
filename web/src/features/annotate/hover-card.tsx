"use client";

import { disputeKey, KINDS, labelName, placeKey } from "@/features/annotate/layers";
import type { PageScene } from "@/features/annotate/use-scene";
import { useWorkspace } from "@/features/annotate/workspace";
import type { Annotation, Place } from "@/features/annotations";
import type { Lane } from "@/features/chart";
import { msOf, shortTime } from "@/lib/times";

export type Hovered = {
  readonly span: { readonly lane: Lane; readonly key: string };
  readonly x: number;
  readonly y: number;
};

/** What the pointer is on, beside it. */
export function HoverCard({ hovered: { span, x, y }, scene }: { hovered: Hovered; scene: PageScene }) {
  const { store } = useWorkspace();
  return (
    <div
      role="tooltip"
      style={{ left: `min(${Math.round(x) + 14}px, calc(100% - 20rem))`, top: Math.max(8, Math.round(y) - 150) }}
      className="pointer-events-none absolute z-10 w-56 rounded-md border border-line bg-raised p-2.5 text-xs shadow-lg"
    >
      {span.lane === "model" && <PredictionFacts id={span.key} scene={scene} />}
      {span.lane === "dispute" && <DisputeFacts id={span.key} scene={scene} />}
      {(span.lane === "human" || span.lane === "talib") && (
        <AnnotationFacts annotation={store.getState().byKey.get(span.key)} scene={scene} />
      )}
    </div>
  );
}

export function PredictionFacts({ id, scene }: { id: string; scene: PageScene }) {
  const one = scene.allPredictions.find((prediction) => prediction.id === id);
  if (!one) return null;
  const probabilities = Object.entries(one.probabilities)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 4);
  return (
    <>
      <p className="font-semibold text-sm">
        {labelName(one.label)} <span className="text-model">{Math.round(one.confidence * 100)} %</span>
      </p>
      <p className="text-muted">
        model {one.model_version}
        {one.stale && ", stale: being made again"}
        {one.provisional && ", provisional: bars to come may change it"}
        {one.out_of_fold && ", learned nothing from these bars"}
      </p>
      <dl className="mt-1.5 grid grid-cols-[1fr_auto] items-center gap-x-2 gap-y-0.5 tabular">
        {probabilities.map(([label, probability]) => (
          <div key={label} className="contents">
            <dt className="relative">
              <span
                className="absolute inset-y-0 left-0 rounded-sm bg-model/20"
                style={{ width: `${100 * probability}%` }}
              />
              <span className="relative px-1">{labelName(label)}</span>
            </dt>
            <dd>{(100 * probability).toFixed(1)}</dd>
          </div>
        ))}
        <dt className="px-1 text-muted">uncertainty</dt>
        <dd>{one.uncertainty.toFixed(2)}</dd>
      </dl>
      <FlagNotes place={{ label: one.label, start: msOf(one.start_time), end: msOf(one.end_time) }} scene={scene} />
    </>
  );
}

/** What people wrote who could not tell about something. */
export function FlagNotes({ place, scene }: { place: Place; scene: PageScene }) {
  const flags = scene.flags.get(placeKey(place.label, place)) ?? [];
  return flags.map(({ event_id, note, at }) => (
    <p key={event_id} className="mt-1 break-words">
      <span className="text-warn">? unsure</span> <span className="text-muted tabular">{at.slice(0, 10)}</span> {note}
    </p>
  ));
}

const ORIGINS = {
  human: "drawn by a person",
  talib: "found by TA-Lib",
  confirmed: "confirmed by a person",
  corrected: "corrected by a person",
  imported: "imported",
} as const;

function AnnotationFacts({ annotation, scene }: { annotation: Annotation | undefined; scene: PageScene }) {
  const { series } = useWorkspace();
  if (!annotation) return null;
  const { label, origin, start, end, flagged, unsaved } = annotation;
  return (
    <>
      <p className="font-semibold text-sm">{labelName(label)}</p>
      <p className="text-muted">
        {ORIGINS[origin]}
        {unsaved && ", not saved yet"}
        {flagged && ", flagged: its candles were revised"}
      </p>
      <p className="tabular">
        {shortTime(start, series.timeframe_seconds)} to {shortTime(end, series.timeframe_seconds)}
      </p>
      {origin === "talib" && <FlagNotes place={annotation} scene={scene} />}
    </>
  );
}

export function DisputeFacts({ id, scene }: { id: string; scene: PageScene }) {
  const one = scene.disagreements.find((dispute) => disputeKey(dispute) === id);
  if (!one) return null;
  const { sign, name, means } = KINDS[one.kind];
  return (
    <>
      <p className="font-semibold text-sm">
        <span className="text-dispute">{sign}</span> {name}
      </p>
      <p className="text-muted">{means}</p>
      {one.annotation && (
        <p>
          {one.annotation.origin === "talib" ? "TA-Lib" : "you"}: {labelName(one.annotation.label)}
        </p>
      )}
      {one.prediction && (
        <p>
          model: {labelName(one.prediction.label)} {Math.round(100 * (one.prediction.confidence ?? 0))} %
        </p>
      )}
    </>
  );
}
