"use client";

import { useEffect, useEffectEvent, useMemo, useRef, useState } from "react";

import { Button } from "@/components/ui/button";
import { Kbd } from "@/components/ui/kbd";
import {
  barsOfTimes,
  Conflicts,
  FocusedPanel,
  type KeyGroup,
  LabelPalette,
  labelName,
  SaveState,
  SceneChart,
  ShortcutSheet,
  useAnnotations,
  useKeysOfPage,
  useLook,
  useScene,
  useSession,
  useWorkspace,
} from "@/features/annotate";
import { DecisionBar, LearningStatus, ModelNotice } from "@/features/feedback";
import type { Past } from "@/features/review/past";
import type { ReviewItem } from "@/features/review/service";
import { focusChart } from "@/lib/keymap";
import { msOf } from "@/lib/times";

const KEYS: KeyGroup = {
  group: "Label next",
  keys: [
    ["C", "done: these bars are reviewed, next item (Ctrl+Enter)"],
    ["S", "skip the item until the next model"],
    ["H", "open the last item again"],
    ["Space", "skip one thing to decide"],
  ],
};

type Properties = {
  item: ReviewItem;
  /** Whether it may be worked on: not while the next one is on its way. */
  isOpen: boolean;
  last: Past | null;
  onFinish: (seconds: number, skipped: boolean) => void;
  onReopen: (past: Past) => void;
};

/** One item: its bars in their context, what there is to decide, and the key that finishes it. */
export function ReviewBench({ item, isOpen, last, onFinish, onReopen }: Properties) {
  const { series, labelSet, session, store } = useWorkspace();
  const focus = useMemo(() => rangeOf(item.focus), [item.focus]);
  const context = useMemo(() => rangeOf(item.context), [item.context]);
  const scene = useScene(useMemo(() => ({ item: item.id, focus, blind: item.blind }), [item.id, item.blind, focus]));
  const { commands, port, bars, targets } = scene;
  const [look] = useLook();
  const [sheet, setSheet] = useState(false);
  const mode = useSession((state) => state.mode);
  const chosen = useSession((state) => state.chosen);
  const message = useSession((state) => state.message);
  const canUndo = useAnnotations((state) => state.history.past.some((act) => act.act === "decide"));
  const since = useSeen(scene.port, bars.time.length > 0);
  const [warned, setWarned] = useState(false);
  const waiting = useRef(false);
  const isReady = isOpen && since !== null;

  // The first thing to decide is chosen as soon as it is there, so that the first key decides it.
  const first = targets[0];
  const begun = useRef(false);
  useEffect(() => {
    if (begun.current || first === undefined || port === null || since === null) return;
    begun.current = true;
    session.choose({ lane: first.lane, key: first.key });
  }, [first, port, since, session]);

  async function finish(skipped: boolean): Promise<void> {
    if (!isReady || waiting.current || since === null) return;
    const seconds = Math.round((performance.now() - since) / 100) / 10;
    if (!skipped && targets.length > 0 && !warned) {
      setWarned(true);
      const things = targets.length === 1 ? "One thing is" : `${targets.length} things are`;
      session.say(`${things} not decided and would become background: C again finishes anyway`);
      return;
    }
    waiting.current = true;
    // What was said about these bars has to be there before they count as reviewed.
    const isSaved = await saved(store);
    waiting.current = false;
    if (isSaved) onFinish(seconds, skipped);
    else session.say("Not finished: the service is away. Nothing is lost", "bad");
  }

  useKeysOfPage(scene, () => setSheet(true), {
    enabled: isReady,
    more: {
      c: { run: () => void finish(false), once: true },
      "ctrl+enter": { run: () => void finish(false), once: true },
      s: { run: () => void finish(true), once: true },
      h: { run: () => last && onReopen(last), once: true },
    },
  });
  // Elsewhere keys do nothing before the chart has been clicked; here work goes on from item to item.
  const takeFocus = useEffectEvent(() => {
    if (document.activeElement === null || document.activeElement === document.body) {
      focusChart();
    }
  });
  useEffect(() => {
    if (port) takeFocus();
  }, [port]);

  const subject = chosen ? commands.target() : null;
  const left = targets.length;
  return (
    <>
      <Conflicts />
      <div className="flex min-h-0 flex-1 max-lg:flex-col" data-testid="bench" data-item={item.id} data-ready={isReady}>
        <div className="relative flex min-h-0 min-w-0 flex-1 flex-col">
          <LabelPalette scene={scene} />
          <SceneChart
            scene={scene}
            label={`Candles of ${series.symbol}. What is not dimmed is to be looked through. C finishes, question mark lists all keys.`}
            look={look}
            view={barsOfTimes(bars, context)}
          >
            {item.blind && (
              <p className="pointer-events-none absolute top-2 right-20 rounded bg-surface px-2 py-0.5 text-xs">
                blind: mark what you see; what the model finds is told when you are done
              </p>
            )}
          </SceneChart>
        </div>
        <section aria-label="Chosen" className="w-60 shrink-0 overflow-y-auto border-line border-l max-lg:hidden">
          <FocusedPanel scene={scene} />
        </section>
      </div>
      <DecisionBar
        subject={subject && labelName(subject.label)}
        mode={mode.kind}
        canUndo={canUndo}
        onConfirm={commands.confirm}
        onCorrect={commands.correct}
        onDismiss={commands.dismiss}
        onReason={commands.reason}
        onFlag={commands.flag}
        onFlagged={commands.flagged}
        onSkip={commands.skip}
        onUndo={commands.undoDecision}
        onCommit={commands.commit}
        onCancel={session.cancel}
      />
      <footer className="flex min-h-11 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-line border-t px-3 py-1 text-xs">
        <Button
          look={left === 0 ? "chosen" : "plain"}
          data-key="c"
          disabled={!isReady}
          onClick={() => void finish(false)}
        >
          Done, next <Kbd>C</Kbd>
        </Button>
        <Button look="quiet" data-key="s" disabled={!isReady} onClick={() => void finish(true)}>
          Skip item <Kbd>S</Kbd>
        </Button>
        <span className="text-muted tabular" data-testid="left">
          {item.blind ? "mark what you see" : left === 0 ? "all decided" : `${left} to decide`}
        </span>
        <span role="status" data-testid="message" className={message?.look === "bad" ? "text-bad" : "text-ink"}>
          {message?.text}
        </span>
        <span className="flex-1" />
        <ModelNotice labelSet={labelSet.name} />
        <span className="text-muted">
          <SaveState />
        </span>
        <span className="text-muted">
          <LearningStatus labelSet={labelSet.name} />
        </span>
        <Button small look="quiet" onClick={() => setSheet(true)}>
          Keys <Kbd>?</Kbd>
        </Button>
      </footer>
      {sheet && <ShortcutSheet first={KEYS} onClose={() => setSheet(false)} />}
    </>
  );
}

function rangeOf({ start_time, end_time }: { start_time: string; end_time: string }) {
  return { start: msOf(start_time), end: msOf(end_time) };
}

/** When the item was first painted; null before: nothing may be decided that was not seen. */
function useSeen(port: ReturnType<typeof useScene>["port"], hasBars: boolean): number | null {
  const [since, setSince] = useState<number | null>(null);
  useEffect(() => {
    if (port === null || !hasBars || since !== null) return;
    return port.onPaint(() => setSince((before) => before ?? performance.now()));
  }, [port, hasBars, since]);
  return since;
}

/** Wait until everything is with the service; false when it does not answer. */
function saved(store: ReturnType<typeof useWorkspace>["store"]): Promise<boolean> {
  const verdict = () => {
    const { unsaved, save } = store.getState();
    if (save === "away") return false;
    return unsaved === 0 ? true : null;
  };
  const now = verdict();
  if (now !== null) return Promise.resolve(now);
  return new Promise((resolve) => {
    const stop = store.subscribe(() => {
      const then = verdict();
      if (then === null) return;
      stop();
      resolve(then);
    });
  });
}
