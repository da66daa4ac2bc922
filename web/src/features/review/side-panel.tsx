"use client";

import { Button } from "@/components/ui/button";
import { Kbd } from "@/components/ui/kbd";
import { labelName } from "@/features/annotate";
import { KEPT, type Past, pace } from "@/features/review/past";
import { type ReviewItem, STRATEGIES } from "@/features/review/service";
import type { QueueState } from "@/features/review/use-queue";
import { classes } from "@/lib/classes";
import { msOf, shortTime } from "@/lib/times";

type Properties = {
  queue: QueueState;
  past: readonly Past[];
  strategy: string;
  onStrategy: (name: string) => void;
  onReopen: (past: Past) => void;
};

/** Why this item, how far the queue is, and what was done before. */
export function SidePanel({ queue, past, strategy, onStrategy, onReopen }: Properties) {
  const { item, next, facts, phase } = queue;
  const { done, skipped, seconds } = pace(past);
  const windows = facts ? facts.open_windows + facts.reviewed_windows : 0;
  const order = STRATEGIES.some((one) => one.name === strategy) ? strategy : "";
  return (
    <section
      aria-label="Queue"
      className="flex w-64 shrink-0 flex-col overflow-y-auto border-line border-r max-lg:max-h-52 max-lg:w-full max-lg:border-r-0 max-lg:border-b"
    >
      <div className="border-line border-b p-3 max-lg:flex max-lg:items-center max-lg:gap-3 max-lg:px-3 max-lg:py-1.5">
        <label className="mb-1 block text-muted text-xs max-lg:sr-only" htmlFor="order">
          Order
        </label>
        <select
          id="order"
          value={order}
          onChange={(event) => onStrategy(event.target.value)}
          className="h-7 w-full min-w-0 rounded-md border border-line-strong bg-bg px-1.5 text-xs max-lg:flex-1"
        >
          {STRATEGIES.map(({ name, means }) => (
            <option key={name} value={name}>
              {means}
            </option>
          ))}
        </select>
        {facts && (
          <div className="mt-3 text-xs tabular max-lg:mt-0 max-lg:shrink-0" data-testid="progress">
            <progress
              aria-label="Reviewed windows"
              className="h-1.5 w-full"
              value={facts.reviewed_windows}
              max={Math.max(windows, 1)}
            />
            <p className="mt-1 text-muted">
              {facts.reviewed_windows.toLocaleString("en")} of {windows.toLocaleString("en")} windows reviewed
            </p>
            <p>
              {done} done here{skipped > 0 && `, ${skipped} skipped`}
              {seconds !== null && ` · ${seconds.toFixed(0)} s each`}
            </p>
          </div>
        )}
      </div>
      {facts?.cold_start && (
        <p className="border-line border-b p-3 text-muted text-xs" data-testid="cold-start">
          There is no model yet. The queue shows what TA-Lib marked and windows at random; when enough is decided,
          train.
        </p>
      )}
      {item && (
        <section aria-label="This item" className="border-line border-b p-3 text-xs max-lg:py-1.5" data-testid="reason">
          <h2 className="mb-1 font-semibold text-sm">{item.blind ? "Blind check" : "Why this one"}</h2>
          <p>{item.reason.text}</p>
          <p className="mt-1 text-muted tabular">
            {item.series_id}, {place(item)}
          </p>
          {item.model_version && <p className="text-muted">model {item.model_version}</p>}
        </section>
      )}
      <p className="px-3 pt-2 text-muted text-xs max-lg:sr-only" data-testid="upcoming">
        {next ? `Next: ${next.series_id}, ${place(next)}` : phase === "ready" ? "Nothing after this one" : ""}
      </p>
      <section aria-label="Done before" className={classes("p-3 max-lg:py-1.5", past.length === 0 && "max-lg:hidden")}>
        <h2 className="mb-1 flex items-center gap-2 font-semibold text-sm">
          Done before {past.length > 0 && <Kbd>H</Kbd>}
        </h2>
        {past.length === 0 && <p className="text-muted text-xs">What you finish can be opened again from here.</p>}
        <ol className="space-y-1" data-testid="past">
          {past.slice(0, KEPT).map((one) => (
            <li key={one.item.id} className="flex items-start gap-2 text-xs">
              <span className="min-w-0 flex-1">
                <span className="tabular">{place(one.item)}</span>{" "}
                <span className="text-muted">
                  {one.skipped ? "skipped" : `${one.seconds.toFixed(0)} s`}
                  {one.item.blind && ", blind"}
                </span>
                {one.item.blind && !one.skipped && (
                  <span className="block text-muted">
                    {one.revealed.length === 0
                      ? "the model finds nothing there"
                      : `the model finds ${one.revealed.map(said).join(", ")}`}
                  </span>
                )}
              </span>
              <Button small look="quiet" disabled={phase === "busy"} onClick={() => onReopen(one)}>
                Reopen
              </Button>
            </li>
          ))}
        </ol>
      </section>
    </section>
  );
}

function said({ label, confidence }: { label: string; confidence: number }): string {
  return `${labelName(label).toLowerCase()} ${Math.round(100 * confidence)} %`;
}

/** First bar of an item; the minutes only where bars are shorter than a day. */
function place({ focus }: ReviewItem): string {
  const start = msOf(focus.start_time);
  return shortTime(start, start % 86_400_000 === 0 ? 86_400 : 60);
}
