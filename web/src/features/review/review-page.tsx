"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useEffect, useMemo, useState } from "react";

import { asProblem } from "@/api/errors";
import { seriesQuery } from "@/api/queries";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { WorkspaceProvider } from "@/features/annotate";
import { useLabelSet } from "@/features/label-sets";
import { loadPast, type Past, savePast, withoutPast, withPast } from "@/features/review/past";
import { warmSource } from "@/features/review/prefetch";
import { ReviewBench } from "@/features/review/review-bench";
import { complete, takeBack } from "@/features/review/service";
import { SidePanel } from "@/features/review/side-panel";
import { openingTime, useQueue } from "@/features/review/use-queue";
import { alarm, announce } from "@/lib/announce";

/** What to look at next, one item after another. */
export function ReviewPage() {
  const { labelSet, error } = useLabelSet();
  const [strategy, setStrategy] = useState("");
  const name = labelSet?.name;
  const wish = useMemo(
    () => (name === undefined ? null : { labelSet: name, strategy: strategy === "" ? null : strategy }),
    [name, strategy],
  );
  const queue = useQueue(wish);
  const { item, phase, take, hold, release } = queue;
  const [past, setPast] = useState<readonly Past[]>([]);
  const [refused, setRefused] = useState<string | null>(null);
  const series = useQuery({ ...seriesQuery(item?.series_id ?? "", name), enabled: item !== null });
  // The facts of the next series are read ahead like its candles.
  const nextSeries = queue.next?.series_id;
  useQuery({ ...seriesQuery(nextSeries ?? "", name), enabled: nextSeries !== undefined });
  const source = useMemo(() => (item ? warmSource(item.series_id) : undefined), [item]);

  useEffect(() => {
    if (name !== undefined) setPast(loadPast(name));
  }, [name]);

  function remember(next: readonly Past[]): void {
    setPast(next);
    if (name !== undefined) savePast(name, next);
  }

  async function finish(seconds: number, skipped: boolean): Promise<void> {
    if (item === null || phase !== "ready") return;
    hold();
    setRefused(null);
    try {
      const done = await complete(item.id, seconds, skipped);
      const revealed = done.predictions.map(({ label, confidence }) => ({ label, confidence }));
      remember(withPast(past, { item, seconds, skipped, reviewedId: done.reviewed?.id ?? null, revealed }));
      announce(skipped ? "Skipped" : "Reviewed");
    } catch (failure) {
      const { code, message, isAway } = asProblem(failure);
      if (code !== "not_leased") {
        setRefused(message);
        alarm(message);
        if (isAway) return release();
      }
    }
    await take(null);
  }

  async function reopen(one: Past): Promise<void> {
    if (phase === "busy") return;
    hold();
    try {
      if (one.reviewedId !== null) await takeBack(one.item.series_id, one.reviewedId);
      remember(withoutPast(past, one.item.id));
      announce("Open again");
    } catch (failure) {
      setRefused(asProblem(failure).message);
    }
    await take(one.item);
  }

  const problem = error ?? (series.data ? null : series.error);
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <h1 className="sr-only">Label next</h1>
      <div className="flex min-h-0 flex-1 max-lg:flex-col">
        <SidePanel
          queue={queue}
          past={past}
          strategy={strategy}
          onStrategy={setStrategy}
          onReopen={(one) => void reopen(one)}
        />
        <div className="flex min-h-0 min-w-0 flex-1 flex-col">
          {refused && (
            <div className="p-2">
              <Notice look="bad" title="That did not work" action={<Understood onClick={() => setRefused(null)} />}>
                {refused}
              </Notice>
            </div>
          )}
          {problem && (
            <Middle title="This cannot be shown">
              {asProblem(problem).message}
              {asProblem(problem).isAway && " It is asked again by itself."}
            </Middle>
          )}
          {phase === "away" && (
            <Middle title={queue.problem?.awayTitle ?? ""}>
              {queue.problem?.message} What you marked is kept. Trying again every few seconds.
            </Middle>
          )}
          {phase === "refused" && <Middle title="This order cannot be had now">{queue.problem?.message}</Middle>}
          {phase === "empty" && <Empty facts={queue.facts} onTry={() => void take(null)} />}
          {item === null && phase === "busy" && !problem && (
            <p role="status" className="m-auto text-muted">
              Looking for what to label next
            </p>
          )}
          {item !== null && labelSet && series.data && series.data.series_id === item.series_id && phase !== "away" && (
            <WorkspaceProvider
              key={item.id}
              series={series.data}
              labelSet={labelSet}
              at={openingTime(item)}
              {...(source ? { source } : {})}
            >
              <ReviewBench
                item={item}
                isOpen={phase === "ready"}
                last={past[0] ?? null}
                onFinish={(seconds, skipped) => void finish(seconds, skipped)}
                onReopen={(one) => void reopen(one)}
              />
            </WorkspaceProvider>
          )}
        </div>
      </div>
    </main>
  );
}

function Understood({ onClick }: { onClick: () => void }) {
  return (
    <Button small onClick={onClick}>
      Understood
    </Button>
  );
}

function Middle({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <div className="m-auto w-full max-w-lg p-4" role="alert">
      <Notice look="warn" title={title}>
        {children}
      </Notice>
    </div>
  );
}

/** Nothing is left, or there is nothing yet. */
function Empty({ facts, onTry }: { facts: ReturnType<typeof useQueue>["facts"]; onTry: () => void }) {
  const isBare = facts !== null && facts.open_windows + facts.reviewed_windows === 0;
  return (
    <div className="m-auto w-full max-w-lg p-4" data-testid="queue-empty">
      <Notice
        look={isBare ? "info" : "good"}
        title={isBare ? "There are no candles yet" : "Nothing is left to label"}
        action={isBare ? null : <Button onClick={onTry}>Look again</Button>}
      >
        {isBare ? (
          <>
            Import a series first, on the page{" "}
            <Link className="underline" href="/series">
              Series
            </Link>
            .
          </>
        ) : (
          "Every window is reviewed, held by somebody else, or skipped until the next model."
        )}
      </Notice>
    </div>
  );
}
