"use client";

import { useMutation, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useEffect, useRef, useState } from "react";

import type { Schemas } from "@/api/client";
import { asProblem } from "@/api/errors";
import { labelSetStatusQuery, modelInfoQuery } from "@/api/queries";
import { Button } from "@/components/ui/button";
import { Kbd } from "@/components/ui/kbd";
import { Notice } from "@/components/ui/notice";
import { alarm, announce } from "@/lib/announce";
import { count, interval, labelName, plural, score } from "@/lib/format";

import { ConfidenceFilter } from "./confidence-filter";
import { type Filterable, hidesSomething, passing } from "./filters";
import { LabelTable } from "./label-table";
import { type BarRange, predictRange } from "./predict-range";
import { ReliabilityPlot } from "./reliability-plot";
import { ScoreAll } from "./score-all";
import { usePredictionsStore } from "./store";

export type PredictionPanelProps = {
  seriesId: string;
  labelSet: Schemas["LabelSetView"];
  /** The predictions that are loaded, before any filter. */
  predictions: readonly Filterable[];
  /** What the stored predictions are of; null while they are fetched, version null when there are none. */
  scoring: { modelVersion: string | null; fetchedAt: number; stale: boolean } | null;
  /** Why they could not be fetched; the ones above are then those of before. */
  error?: Error | null;
  /** The bars on the screen now; null while there are none. */
  visibleRange: () => BarRange | null;
  /** Stored predictions have changed: fetch them again. */
  onScored?: () => void;
};

/** The right side of the chart: what the model says, how far to trust it, and what of it is shown. */
export function PredictionPanel(props: PredictionPanelProps) {
  const { labelSet, predictions, scoring, error } = props;
  const filters = usePredictionsStore();
  const { data: status } = useQuery(labelSetStatusQuery(labelSet.name));
  const { data: info } = useQuery({ ...modelInfoQuery(labelSet.name), enabled: status?.champion != null });
  const [chosen, setChosen] = useState<string | null>(null);
  const served = info?.model.version ?? null;
  const metrics = info?.metrics ?? null;
  const shown = passing(filters, predictions).length;
  const reliability =
    chosen === null ? metrics?.calibration : metrics?.labels.find((one) => one.label === chosen)?.calibration;
  const problem = error && asProblem(error);
  return (
    <section aria-label="Predictions" className="space-y-4 p-3">
      <div className="flex items-center gap-2">
        <Button
          look={filters.shown ? "chosen" : "plain"}
          aria-pressed={filters.shown}
          onClick={() => filters.toggle()}
          className="flex-1"
        >
          Predictions {filters.shown ? "on" : "off"} <Kbd>M</Kbd>
        </Button>
      </div>
      {status?.champion === null ? (
        <NoModel />
      ) : (
        <>
          <Served info={info} scoring={scoring} />
          {problem && (
            <Notice look="bad" title={problem.isAway ? problem.awayTitle : "They could not be fetched"}>
              {scoring && scoring.modelVersion !== null
                ? `Shown are those from ${clock(scoring.fetchedAt)}, version ${scoring.modelVersion}. `
                : ""}
              {problem.message}
              {problem.isAway && " Annotating goes on; it is asked again by itself."}
            </Notice>
          )}
          <Changed served={served} scoring={scoring} onScored={props.onScored} />
          {scoring && scoring.modelVersion === null && predictions.length === 0 ? (
            <Notice title="No predictions for this series">
              Predict the range on the screen, or score all series.
            </Notice>
          ) : (
            <>
              <ConfidenceFilter confidences={predictions.map((one) => one.confidence)} shown={shown} />
              <div className="flex min-h-6 flex-wrap items-center gap-2 text-xs">
                <span className="tabular flex-1" role="status">
                  {count(shown)} of {count(predictions.length)} shown
                </span>
                {hidesSomething(filters) && (
                  <Button small onClick={filters.clearFilters}>
                    Clear filters
                  </Button>
                )}
              </div>
            </>
          )}
          <LabelTable
            labels={labelSet.labels}
            predictions={predictions}
            metrics={metrics}
            chosen={chosen}
            onChoose={setChosen}
          />
          <div className="space-y-2">
            <PredictNow {...props} warmup={info?.model.warmup_candles ?? null} />
            <ScoreAll labelSet={labelSet.name} onScored={props.onScored} />
          </div>
          {reliability ? (
            <ReliabilityPlot name={chosen === null ? "All labels" : labelName(chosen)} reliability={reliability} />
          ) : (
            chosen !== null && (
              <p className="text-muted text-xs">
                {labelName(chosen)}: nothing was proposed in test bars, so there is no reliability to show.
              </p>
            )
          )}
        </>
      )}
    </section>
  );
}

function NoModel() {
  return (
    <Notice title="No model yet">
      Until there is one, TA-Lib marks and windows drawn at random are what to decide on.{" "}
      <Link href="/models" className="underline">
        Train the first
      </Link>
    </Notice>
  );
}

type Info = {
  model: { version: string };
  metrics: { macro_f1: number | null; macro_f1_interval: number[] | null } | null;
};

function Served({ info, scoring }: { info: Info | undefined; scoring: PredictionPanelProps["scoring"] }) {
  return (
    <dl className="tabular space-y-0.5 text-xs">
      <div className="flex gap-2">
        <dt className="text-muted">Model</dt>
        <dd>
          <Link href="/models" className="font-mono hover:underline">
            {info?.model.version ?? scoring?.modelVersion ?? "…"}
          </Link>
        </dd>
      </div>
      {info?.metrics && (
        <div className="flex gap-2">
          <dt className="text-muted">Macro-F1</dt>
          <dd>
            <span className="font-semibold">{score(info.metrics.macro_f1)}</span>{" "}
            <span className="text-muted">{interval(info.metrics.macro_f1_interval)}</span>
          </dd>
        </div>
      )}
    </dl>
  );
}

/** Another version went live than the predictions on the screen are of. */
function Changed({
  served,
  scoring,
  onScored,
}: {
  served: string | null;
  scoring: PredictionPanelProps["scoring"];
  onScored: (() => void) | undefined;
}) {
  const version = scoring?.modelVersion ?? null;
  if (served === null || version === null || !(scoring?.stale || version !== served)) return null;
  return (
    <Notice
      look="warn"
      title="Predictions are being renewed"
      action={
        onScored && (
          <Button small onClick={onScored}>
            Reload
          </Button>
        )
      }
    >
      {version === served
        ? "The candles have changed since they were made."
        : `Shown are those of ${version}; ${served} serves now.`}
    </Notice>
  );
}

/** 14:02, on the clock of this browser. */
function clock(at: number): string {
  return new Date(at).toTimeString().slice(0, 5);
}

function PredictNow({ seriesId, labelSet, visibleRange, warmup }: PredictionPanelProps & { warmup: number | null }) {
  const { fresh, setFresh } = usePredictionsStore();
  const controller = useRef<AbortController | null>(null);
  useEffect(() => () => controller.current?.abort(), []);
  const predict = useMutation({
    mutationFn: (wanted: BarRange) => {
      controller.current = new AbortController();
      return predictRange(seriesId, labelSet.name, wanted, warmup ?? 0, controller.current.signal);
    },
    onSuccess: (found) => {
      setFresh(found);
      announce(`${plural(found.predictions.length, "prediction")} for the range on the screen.`);
    },
    onError: (problem) => alarm(asProblem(problem).message),
  });
  const here = fresh?.seriesId === seriesId && fresh.labelSet === labelSet.name ? fresh : null;
  const problem = predict.error && asProblem(predict.error);
  return (
    <div className="space-y-1.5">
      <Button
        small
        className="w-full"
        disabled={warmup === null || predict.isPending}
        onClick={() => {
          const range = visibleRange();
          if (range) predict.mutate(range);
        }}
      >
        {predict.isPending ? "Predicting" : "Predict this range now"}
      </Button>
      {problem && (
        <p className="text-bad text-xs">
          {problem.code === "service_timeout" ? "It took too long: zoom in and try again. " : ""}
          {problem.message}
        </p>
      )}
      {here && (
        <p className="flex items-center gap-2 text-muted text-xs">
          <span className="flex-1">
            {plural(here.predictions.length, "prediction")} made now by {here.modelVersion}, not stored.
          </span>
          <Button small look="quiet" onClick={() => setFresh(null)}>
            Forget
          </Button>
        </p>
      )}
    </div>
  );
}
