"use client";

import { useCallback, useEffect, useRef, useState } from "react";

import { asProblem, type Problem } from "@/api/errors";
import { FIRST_PAGE } from "@/features/candles";
import { warmSource } from "@/features/review/prefetch";
import { lease, peek, type ReviewFacts, type ReviewItem, type Wish } from "@/features/review/service";
import { msOf } from "@/lib/times";

export type QueueState = {
  /**
   * `busy`: the next item is on its way, and what is on the screen may not be decided any more. `refused`: the service does
   * not order the queue like this, and says why; `away`: it does not answer, so it is asked again.
   */
  readonly phase: "busy" | "ready" | "empty" | "refused" | "away";
  readonly item: ReviewItem | null;
  /** What comes after it; its candles are read ahead. */
  readonly next: ReviewItem | null;
  readonly facts: ReviewFacts | null;
  readonly problem: Problem | null;
};

const ATTEMPTS = 6;
const RETRY = 3_000;
/** Longer than an item takes, shorter than a lease lasts. */
const RENEW = 4 * 60_000;
/** Codes that say that somebody else was faster. */
const GONE = new Set(["already_leased", "already_reviewed", "unknown_item"]);

export function openingTime(item: ReviewItem): number {
  return msOf(item.focus.start_time);
}

/** One item after another, each held while it is on the screen. */
export function useQueue(wish: Wish | null) {
  const [state, setState] = useState<QueueState>({
    phase: "busy",
    item: null,
    next: null,
    facts: null,
    problem: null,
  });
  const turn = useRef(0);
  const labelSet = wish?.labelSet ?? null;
  const strategy = wish?.strategy ?? null;

  /** Take an item: the one that is wanted, or the first of the queue. */
  const take = useCallback(
    async (wanted: ReviewItem | null): Promise<void> => {
      if (labelSet === null) return;
      turn.current += 1;
      const mine = turn.current;
      const put = (part: Partial<QueueState>) => {
        if (turn.current === mine) setState((before) => ({ ...before, ...part }));
      };
      put({ phase: "busy", problem: null });
      try {
        let first = wanted;
        for (let attempt = 0; attempt < ATTEMPTS && turn.current === mine; attempt++) {
          if (first === null) {
            const facts = await peek({ labelSet, strategy }, 2);
            put({ facts });
            first = facts.items[0] ?? null;
          }
          if (first === null) {
            put({ phase: "empty", item: null, next: null });
            return;
          }
          let item: ReviewItem;
          try {
            item = await lease(first.id);
          } catch (error) {
            if (!GONE.has(asProblem(error).code)) throw error;
            first = null;
            continue;
          }
          put({ phase: "ready", item, next: null });
          const facts = await peek({ labelSet, strategy }, 3);
          const next = facts.items.find((one) => one.id !== item.id) ?? null;
          put({ facts, next });
          if (next) warmSource(next.series_id).warm(openingTime(next), FIRST_PAGE);
          return;
        }
        put({ phase: "empty", item: null, next: null });
      } catch (error) {
        const problem = asProblem(error);
        put(problem.isAway ? { phase: "away", problem } : { phase: "refused", problem, item: null, next: null });
      }
    },
    [labelSet, strategy],
  );

  useEffect(() => {
    void take(null);
    return () => {
      turn.current += 1;
    };
  }, [take]);

  const { phase, item } = state;
  useEffect(() => {
    if (phase !== "away") return;
    const timer = setInterval(() => void take(null), RETRY);
    return () => clearInterval(timer);
  }, [phase, take]);
  useEffect(() => {
    if (phase !== "ready" || item === null) return;
    const timer = setInterval(() => void lease(item.id).catch(() => undefined), RENEW);
    return () => clearInterval(timer);
  }, [phase, item]);

  const hold = useCallback(() => setState((before) => ({ ...before, phase: "busy" })), []);
  const release = useCallback(() => setState((before) => ({ ...before, phase: "ready" })), []);
  return { ...state, take, hold, release };
}
