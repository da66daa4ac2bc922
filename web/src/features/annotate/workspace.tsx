"use client";

import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useEffectEvent, useMemo, useState } from "react";
import { useStore } from "zustand";

import type { Schemas } from "@/api/client";
import type { Labels } from "@/features/annotate/layers";
import { createSession, type Session, type SessionState } from "@/features/annotate/session";
import {
  type AnnotationState,
  type AnnotationStore,
  annotationService,
  browserOutbox,
  createAnnotationStore,
  type Range,
} from "@/features/annotations";
import {
  type CandleSource,
  type CandleWindow,
  candleSource,
  createCandleWindow,
  type WindowState,
} from "@/features/candles";
import { msOf } from "@/lib/times";

/** A series without the report of its import, which is another page's. */
export type SeriesFacts = Omit<Schemas["SeriesDetail"], "report">;

/** Everything that the parts of one page share. */
export type Workspace = {
  readonly series: SeriesFacts;
  readonly labelSet: Schemas["LabelSetView"];
  readonly labels: Labels;
  readonly window: CandleWindow;
  readonly store: AnnotationStore;
  readonly session: Session;
  /** Where the page opened, ms since 1970; null at the last bars. */
  readonly at: number | null;
};

const Context = createContext<Workspace | null>(null);

export function useWorkspace(): Workspace {
  const workspace = useContext(Context);
  if (workspace === null) throw new Error("There is no workspace around this component.");
  return workspace;
}

export function useAnnotations<Selected>(select: (state: AnnotationState) => Selected): Selected {
  return useStore(useWorkspace().store, select);
}

export function useWindow<Selected>(select: (state: WindowState) => Selected): Selected {
  return useStore(useWorkspace().window, select);
}

export function useSession<Selected>(select: (state: SessionState) => Selected): Selected {
  return useStore(useWorkspace().session, select);
}

type Properties = {
  series: SeriesFacts;
  labelSet: Schemas["LabelSetView"];
  /** Where to open, ms since 1970; the last bars when null. */
  at: number | null;
  /** Where candles come from, when not simply from the service. */
  source?: CandleSource;
  children: ReactNode;
};

/** Opens the window of candles and the store of annotations of a series, and closes them again. */
export function WorkspaceProvider({ series, labelSet, at, source, children }: Properties) {
  const { series_id: seriesId, first_time: first, last_time: last } = series;
  const { name } = labelSet;
  const [made, setMade] = useState<{ window: CandleWindow; store: AnnotationStore; session: Session } | null>(null);
  const openAt = useEffectEvent((window: CandleWindow) => void window.openAt(at));
  const sourceOf = useEffectEvent(() => source ?? candleSource(seriesId));
  useEffect(() => {
    const window = createCandleWindow(sourceOf(), { first: msOf(first), last: msOf(last) });
    const store = createAnnotationStore(annotationService(seriesId, name), browserOutbox(seriesId, name));
    setMade({ window, store, session: createSession() });
    openAt(window);
    void store.open();
    return () => {
      window.close();
      store.close();
    };
  }, [seriesId, name, first, last]);

  const labels = useMemo(() => new Map(labelSet.labels.map((label) => [label.name, label])), [labelSet.labels]);
  const value = useMemo(() => made && { ...made, series, labelSet, labels, at }, [made, series, labelSet, labels, at]);
  return value && <Context.Provider value={value}>{children}</Context.Provider>;
}

const POLL = 4_000;
const AFTER_TAKEN = 300;

/** Keep the annotations on the bars of a range those of the service: others work on them as well. */
export function useFreshAnnotations(range: Range | null): void {
  const { store, series, labelSet } = useWorkspace();
  const queries = useQueryClient();
  const taken = useStore(store, (state) => state.taken);
  useEffect(() => {
    if (range === null) return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const read = async () => {
      const began = performance.now();
      // What cannot be read now is read the next time; that the service is away is shown elsewhere.
      await store.read(range, controller.signal).catch(() => undefined);
      if (!controller.signal.aborted) timer = setTimeout(read, Math.max(POLL, 10 * (performance.now() - began)));
    };
    timer = setTimeout(read, taken === 0 ? 0 : AFTER_TAKEN);
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [store, range, taken]);
  useEffect(() => {
    if (taken === 0) return;
    const timer = setTimeout(() => {
      void queries.invalidateQueries({ queryKey: ["predictions", series.series_id, labelSet.name] });
      void queries.invalidateQueries({ queryKey: ["disagreements", series.series_id, labelSet.name] });
      void queries.invalidateQueries({ queryKey: ["flags", series.series_id, labelSet.name] });
      void queries.invalidateQueries({ queryKey: ["model-info", labelSet.name] });
    }, 3 * AFTER_TAKEN);
    return () => clearTimeout(timer);
  }, [queries, taken, series.series_id, labelSet.name]);
}
