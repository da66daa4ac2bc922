"use client";

import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useStore } from "zustand";

import { readinessQuery } from "@/api/queries";

import { type Commands, createCommands, type Scene } from "@/features/annotate/commands";
import { coverageOf } from "@/features/annotate/coverage";
import {
  barsOfTimes,
  type Disagreement,
  type Flags,
  layersOf,
  openTargets,
  type StoredPrediction,
} from "@/features/annotate/layers";
import { readPredictions, useDisagreements, useFlags, usePredictions } from "@/features/annotate/scores";
import type { ReadTargets } from "@/features/annotate/search";
import { useFreshAnnotations, useWorkspace } from "@/features/annotate/workspace";
import {
  type Annotation,
  type AnnotationState,
  annotationService,
  type BarSpan,
  type Range,
} from "@/features/annotations";
import type { ChartPort, Layers, Marks, Shades } from "@/features/chart";
import { hidesSomething, passes, usePredictionsStore, withFresh } from "@/features/predictions";
import { msOf } from "@/lib/times";

/** Marks are read for blocks of this many bars, one more to each side than is seen. */
const BLOCK = 2_048;
/** Predictions less sure than this are shown in the queue, not asked about; the service's targets begin there, too. */
const LEAST_ASKED = 0.2;
/** Bars that must be left on a side before more are loaded. */
const MARGIN = 400;

/** What of a series is looked at for the review queue. In a blind one only what people said is shown. */
export type ReviewFocus = { readonly item: string; readonly focus: Range; readonly blind: boolean };

/** All that is on the chart, and what can be done with it. */
export function useScene(review: ReviewFocus | null = null) {
  const workspace = useWorkspace();
  const { series, labelSet, labels, window, store, session } = workspace;
  const [port, setPort] = useState<ChartPort | null>(null);
  const [range, setRange] = useState<Range | null>(null);

  const bars = useStore(window, (state) => state.bars);
  const blind = review?.blind ?? false;
  const held = useStore(store, (state) => state.annotations);
  const annotations = useMemo(() => (blind ? peoples(held) : held), [held, blind]);
  const reviewed = useStore(store, (state) => state.reviewed);
  const decided = useStore(store, (state) => state.decided);
  const filters = usePredictionsStore();
  const cursor = useStore(session, (state) => state.cursor);
  const selection = useStore(session, (state) => state.selection);
  const chosen = useStore(session, (state) => state.chosen);
  const edge = useStore(session, (state) => state.edge);
  const dragged = useStore(session, (state) => state.dragged);
  const mode = useStore(session, (state) => state.mode);
  const peek = useStore(session, (state) => state.peek);

  useFreshAnnotations(range);
  // What a blind item must not show is not even asked for.
  const scores = usePredictions(series.series_id, labelSet.name, blind ? null : range);
  const { error: away } = useQuery(readinessQuery);
  const scoresError = scores.error ?? away;
  const isOld = scoresError !== null;
  const disagreements = useDisagreements(series.series_id, labelSet.name, !blind);
  const knownFlags = useFlags(series.series_id, labelSet.name, !blind).data ?? NO_FLAGS;
  // What was read before an item became blind is still known.
  const flags = blind ? NO_FLAGS : knownFlags;
  const reopened = useStore(store, (state) => state.reopened);
  const read = scores.data?.predictions ?? NONE;
  const stored = useMemo(() => openAgain(read, reopened), [read, reopened]);
  const all = useMemo(
    () => (blind ? NONE : withFresh(stored, filters.fresh, { seriesId: series.series_id, labelSet: labelSet.name })),
    [blind, stored, filters.fresh, series.series_id, labelSet.name],
  );
  const disputes: readonly Disagreement[] = (blind ? null : disagreements.data?.items) ?? NO_DISPUTES;
  const { shown, hiddenLabels, minConfidence } = filters;
  const predictions = useMemo(
    () => all.filter((one) => passes({ shown, hiddenLabels, minConfidence }, one)),
    [all, shown, hiddenLabels, minConfidence],
  );
  const visibleDisputes = useMemo(
    () => disputes.filter((one) => !hiddenLabels.includes((one.prediction ?? one.annotation)?.label ?? "")),
    [disputes, hiddenLabels],
  );
  const showModel = shown && !peek;
  const focus = review?.focus;
  const targetsOf = useCallback(
    (held: readonly Annotation[], decided: AnnotationState["decided"]) => {
      const asked = focus ? predictions.filter((one) => one.confidence >= LEAST_ASKED) : predictions;
      const open = openTargets(blind ? peoples(held) : held, shown ? asked : NONE, decided);
      if (focus) return open.filter((one) => one.end >= focus.start && one.end <= focus.end);
      // Marks of bars that were looked at before are held still; predictions are those around here.
      return range === null ? [] : open.filter((one) => one.end >= range.start && one.start <= range.end);
    },
    [predictions, shown, focus, blind, range],
  );
  const targets = useMemo(() => targetsOf(held, decided), [targetsOf, held, decided]);

  const still: Layers = useMemo(
    () =>
      layersOf({
        bars,
        labels,
        annotations,
        predictions,
        disagreements: visibleDisputes,
        flags,
        decided,
        showModel,
        isOld,
      }),
    [bars, labels, annotations, predictions, visibleDisputes, flags, decided, showModel, isOld],
  );
  // The one span that is being moved, over all that lie still: thousands of them are not gone through for each step.
  const layers: Layers = useMemo(() => {
    const moved = mode.kind === "correct" ? mode.place : dragged;
    const place = moved && barsOfTimes(bars, moved);
    if (!place || !chosen || chosen.lane === "dispute") return still;
    const lane = chosen.lane;
    const code = labels.get(moved.label)?.code ?? "?";
    const changed = still[lane].map((one) => (one.key === chosen.key ? { ...one, ...place, code, open: true } : one));
    return { ...still, [lane]: changed.sort((a, b) => a.first - b.first || a.last - b.last) };
  }, [bars, labels, still, mode, dragged, chosen]);

  const covered = useMemo(
    () =>
      coverageOf(
        bars,
        reviewed,
        labelSet.labels.map((label) => label.name),
      ),
    [bars, reviewed, labelSet.labels],
  );
  const shades: Shades = useMemo(() => {
    const test = series.test_bars;
    const testBars = test && barsOfTimes(bars, { start: msOf(test.start_time), end: msOf(test.end_time) });
    return {
      test: testBars ? [testBars] : [],
      reviewed: covered.filter((span) => span.labels === null),
      partly: covered.filter((span) => span.labels !== null),
      focus: focus ? barsOfTimes(bars, focus) : null,
    };
  }, [bars, covered, series.test_bars, focus]);

  const marks: Marks = useMemo(() => {
    const at = cursor === null ? null : barsOfTimes(bars, { start: cursor, end: cursor });
    return {
      cursor: at?.first ?? null,
      selection: selection && barsOfTimes(bars, selection),
      chosen,
      edge,
    };
  }, [bars, cursor, selection, chosen, edge]);

  const isRead = useStore(store, (state) => range !== null && state.known === range);
  const isScored = blind || (scores.data !== undefined && !scores.isPlaceholderData && !scores.data.cut);
  const known = isRead && isScored ? range : null;
  const readTargets: ReadTargets = useCallback(
    async (there, signal) => {
      const [{ annotations: saved }, { predictions: all }] = await Promise.all([
        annotationService(series.series_id, labelSet.name).read(there, signal),
        shown ? readPredictions(series.series_id, labelSet.name, there, signal) : { predictions: NONE },
      ]);
      const { annotations: held, decided, reopened } = store.getState();
      const marks = [
        ...saved.map((one) => ({ ...one, key: one.id, unsaved: false })),
        ...held.filter((one) => one.unsaved),
      ];
      const asked = openAgain(all, reopened).filter((one) => passes({ shown, hiddenLabels, minConfidence }, one));
      marks.sort((a, b) => a.start - b.start);
      return { targets: openTargets(marks, asked, decided), spans: saved.length + all.length };
    },
    [series.series_id, labelSet.name, store, shown, hiddenLabels, minConfidence],
  );

  const byId = useMemo(() => new Map(all.map((one) => [one.id, one])), [all]);
  const painted = useRef<string | null>(null);
  const scene = useRef<Scene>(EMPTY_SCENE);
  useEffect(() => {
    scene.current = {
      port,
      labels: labelSet.labels,
      predictions: byId,
      disagreements: visibleDisputes,
      targets: () => targetsOf(store.getState().annotations, store.getState().decided),
      known,
      readTargets,
      step: BLOCK * series.timeframe_seconds * 1000,
      ends: { first: msOf(series.first_time), last: msOf(series.last_time) },
      isFiltered: !shown || hidesSomething({ shown, hiddenLabels, minConfidence }),
      painted: painted.current,
      review,
    };
  });
  const commands: Commands = useMemo(
    () => createCommands(window, store, session, () => ({ ...scene.current, painted: painted.current })),
    [window, store, session],
  );

  useEffect(() => commands.stop, [commands]);

  useEffect(() => {
    if (!port) return;
    const stop = port.onPaint((marks) => {
      painted.current = marks.chosen?.key ?? null;
    });
    return () => {
      stop();
    };
  }, [port]);

  function look(visible: BarSpan): void {
    const { bars: now } = window.getState();
    const count = now.time.length;
    if (count === 0) return;
    if (visible.first < MARGIN) void window.earlier();
    if (visible.last > count - MARGIN) void window.later();
    const block = BLOCK * series.timeframe_seconds * 1000;
    const at = (bar: number) => now.time[Math.max(0, Math.min(count - 1, bar))] as number;
    const start = (Math.floor(at(visible.first) / block) - 1) * block;
    const end = (Math.floor(at(visible.last) / block) + 2) * block;
    setRange((before) => (before?.start === start && before.end === end ? before : { start, end }));
  }

  return {
    port,
    setPort,
    look,
    bars,
    layers,
    shades,
    covered,
    marks,
    commands,
    predictions,
    /** Those that are to be seen: none while the model is hidden. */
    shownPredictions: showModel ? predictions : NONE,
    showModel,
    allPredictions: all,
    scores,
    /** Why the predictions are not those of now; null when they are. */
    scoresError,
    disagreements: visibleDisputes,
    flags,
    targets,
    range,
    /** Whether all that lies on the bars in view, and around them, is there. */
    isReady: bars.time.length > 0 && known !== null && (blind || disagreements.data !== undefined),
  };
}

export type PageScene = ReturnType<typeof useScene>;

function peoples(annotations: readonly Annotation[]): readonly Annotation[] {
  return annotations.filter((one) => one.origin !== "talib");
}

/** What was read before a decision was taken back does not know of that yet. */
function openAgain(
  read: readonly StoredPrediction[],
  reopened: AnnotationState["reopened"],
): readonly StoredPrediction[] {
  return reopened.size === 0 ? read : read.map((one) => (reopened.has(one.id) ? { ...one, decided: null } : one));
}

const NONE: readonly StoredPrediction[] = [];
const NO_DISPUTES: readonly Disagreement[] = [];
const NO_FLAGS: Flags = new Map();
const EMPTY_SCENE: Scene = {
  port: null,
  labels: [],
  predictions: new Map(),
  disagreements: [],
  targets: () => [],
  known: null,
  readTargets: async () => ({ targets: [], spans: 0 }),
  step: 1,
  ends: { first: 0, last: 0 },
  isFiltered: false,
  painted: null,
  review: null,
};
