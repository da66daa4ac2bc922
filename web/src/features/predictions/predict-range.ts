import { api, type Schemas, unwrap } from "@/api/client";
import { Problem } from "@/api/errors";
import { count } from "@/lib/format";

import type { FreshPredictions } from "./store";

/** Most candles of one request; the service's own limit, the candles before the range included. */
export const MOST_CANDLES = 20_000;

export type BarRange = { readonly startTime: string; readonly endTime: string };

/**
 * Predict a range of a series by `POST /predict`, with the candles before it that the model needs.
 *
 * What ends before the range is left out: there the model had too little to go by.
 */
export async function predictRange(
  seriesId: string,
  labelSet: string,
  range: BarRange,
  warmup: number,
  signal?: AbortSignal,
): Promise<FreshPredictions> {
  const path = { series_id: seriesId };
  const candlesOf = (query: { start_time?: string; end_time?: string; before?: string; limit: number }) =>
    unwrap(api.GET("/series/{series_id}/candles", { params: { path, query }, signal }));
  const most = MOST_CANDLES - warmup;
  const [inside, before] = await Promise.all([
    candlesOf({ start_time: range.startTime, end_time: range.endTime, limit: most }),
    warmup > 0 ? candlesOf({ before: range.startTime, limit: warmup }) : null,
  ]);
  if (inside.next_cursor !== null) {
    throw new Problem(0, {
      code: "range_too_long",
      detail: `The range has more than ${count(most)} candles: zoom in, or score the whole series.`,
    });
  }
  const answer = await unwrap(
    api.POST("/predict", {
      body: { series_id: seriesId, label_set: labelSet, candles: joined(before?.candles, inside.candles) },
      signal,
    }),
  );
  return {
    seriesId,
    labelSet,
    modelVersion: answer.model.version,
    ...range,
    predictions: answer.predictions.filter((one) => Date.parse(one.end_time) >= Date.parse(range.startTime)),
  };
}

type Columns = Schemas["CandleColumns"];

/** Candles one after the other; without volume where one part has none. */
export function joined(before: Columns | undefined, inside: Columns): Omit<Columns, "volume"> & { volume?: number[] } {
  const both = (field: "open" | "high" | "low" | "close") => [...(before?.[field] ?? []), ...inside[field]];
  const volume = before === undefined || before.volume != null ? inside.volume : null;
  return {
    time: [...(before?.time ?? []), ...inside.time],
    open: both("open"),
    high: both("high"),
    low: both("low"),
    close: both("close"),
    ...(volume != null && { volume: [...(before?.volume ?? []), ...volume] }),
  };
}
