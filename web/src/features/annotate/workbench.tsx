"use client";

import { useMemo, useState } from "react";
import { flushSync } from "react-dom";

import { Conflicts } from "@/features/annotate/conflicts";
import { DisagreementList } from "@/features/annotate/disagreement-list";
import { FocusedPanel } from "@/features/annotate/focused-panel";
import { useKeysOfPage } from "@/features/annotate/keys";
import { LabelPalette } from "@/features/annotate/label-palette";
import { barsOfTimes, labelName } from "@/features/annotate/layers";
import { ModelSide } from "@/features/annotate/model-side";
import { SceneChart } from "@/features/annotate/scene-chart";
import { type KeyGroup, ShortcutSheet } from "@/features/annotate/shortcut-sheet";
import { SpanTable } from "@/features/annotate/span-table";
import { StatusLine } from "@/features/annotate/status-line";
import { Toolbar } from "@/features/annotate/toolbar";
import { useLook } from "@/features/annotate/use-look";
import { type PageScene, useScene } from "@/features/annotate/use-scene";
import { useAnnotations, useSession, useWindow, useWorkspace } from "@/features/annotate/workspace";
import { contains } from "@/features/annotations";
import { DecisionBar } from "@/features/feedback";
import { usePredictionsStore } from "@/features/predictions";
import { classes } from "@/lib/classes";
import { shortTime } from "@/lib/times";
import { useNarrow } from "@/lib/use-narrow";

const LISTS = [
  { tab: "disagreements", name: "Disagreements" },
  { tab: "spans", name: "Spans" },
] as const;
const MODEL = { tab: "model", name: "Model" } as const;

const KEYS: KeyGroup = {
  group: "This page",
  keys: [
    ["Ctrl+Enter", "all bars in view are reviewed, on to the next"],
    ["/", "filter predictions by their least confidence"],
  ],
};

/** Bars on each side of the one that an address names. */
const AROUND = 60;

type Tab = (typeof LISTS)[number]["tab"] | (typeof MODEL)["tab"];

/** Chart, lists and keys of one series. */
export function Workbench() {
  const { series, session, at } = useWorkspace();
  const scene = useScene();
  const { commands, port } = scene;
  const [look, setLook] = useLook();
  const isNarrow = useNarrow();
  const [wanted, setTab] = useState<Tab>("model");
  // Where there is room the model has its own place, and the lists theirs.
  const tab = isNarrow || wanted !== "model" ? wanted : "disagreements";
  const [sheet, setSheet] = useState(false);
  const mode = useSession((state) => state.mode);
  const chosen = useSession((state) => state.chosen);
  const canUndo = useAnnotations((state) => state.history.past.some((act) => act.act === "decide"));
  const shown = usePredictionsStore((state) => state.shown);
  useKeysOfPage(scene, () => setSheet(true), {
    more: {
      "/": () => {
        if (isNarrow) flushSync(() => setTab("model"));
        const filter = document.querySelector<HTMLInputElement>("[data-filter]");
        filter?.focus();
        filter?.select();
        if (!filter) session.say("There are no predictions here to filter");
      },
      "ctrl+enter": { run: commands.reviewView, once: true },
    },
  });

  const view = useMemo(() => {
    const opened = at === null ? null : barsOfTimes(scene.bars, { start: at, end: Number.POSITIVE_INFINITY });
    return opened && { first: opened.first - AROUND, last: opened.first + AROUND };
  }, [at, scene.bars]);
  const subject = chosen ? commands.target() : null;
  const model = (
    <>
      <FocusedPanel scene={scene} />
      <ModelSide scene={scene} />
    </>
  );
  return (
    <main className="flex min-h-0 flex-1 flex-col" data-testid="workbench" data-ready={scene.isReady}>
      <h1 className="sr-only">Annotate {series.symbol}</h1>
      <Toolbar scene={scene} look={look} onLook={setLook} onHelp={() => setSheet(true)} />
      <Conflicts />
      <div className="flex min-h-0 flex-1 max-lg:flex-col">
        <section
          aria-label="Lists"
          className="flex w-64 shrink-0 flex-col border-line border-r max-lg:order-last max-lg:h-[30vh] max-lg:w-full max-lg:border-t max-lg:border-r-0 xl:w-76"
        >
          <div role="tablist" aria-label="Lists" className="flex shrink-0 gap-1 border-line border-b p-1.5">
            {(isNarrow ? [MODEL, ...LISTS] : LISTS).map(({ tab: one, name }) => (
              <button
                key={one}
                type="button"
                role="tab"
                aria-selected={tab === one}
                onClick={() => setTab(one)}
                className={classes(
                  "flex-1 rounded-md px-2 py-1 text-sm",
                  tab === one ? "bg-chosen font-semibold text-chosen-ink" : "text-muted hover:bg-surface",
                )}
              >
                {name}
              </button>
            ))}
          </div>
          {tab === "model" && <div className="min-h-0 flex-1 overflow-y-auto">{model}</div>}
          {tab === "disagreements" && <DisagreementList scene={scene} />}
          {tab === "spans" && <SpanTable scene={scene} />}
        </section>
        <div className="relative flex min-h-0 min-w-0 flex-1 flex-col">
          <LabelPalette scene={scene} />
          <SceneChart
            scene={scene}
            label={`Candles of ${series.symbol}. Arrows move the bar cursor, N goes to the next span to decide, question mark lists all keys.`}
            look={look}
            view={view}
          >
            {!shown && (
              <p className="pointer-events-none absolute top-2 right-20 rounded bg-surface px-2 py-0.5 text-muted text-xs">
                model hidden (M)
              </p>
            )}
          </SceneChart>
          <CursorLine scene={scene} />
        </div>
        {!isNarrow && (
          <section aria-label="Model" className="flex w-72 shrink-0 flex-col overflow-y-auto border-line border-l">
            {model}
          </section>
        )}
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
      <StatusLine scene={scene} />
      {sheet && <ShortcutSheet first={KEYS} onClose={() => setSheet(false)} />}
      <span hidden>{port === null}</span>
    </main>
  );
}

/** The bar under the cursor in words and figures. */
function CursorLine({ scene: { covered, shades } }: { scene: PageScene }) {
  const { series, labelSet } = useWorkspace();
  const cursor = useSession((state) => state.cursor);
  const bars = useWindow((state) => state.bars);
  const at = cursor === null ? -1 : bars.time.indexOf(cursor);
  const figure = (column: Float64Array) => (column[at] as number).toLocaleString("en", { maximumFractionDigits: 6 });
  const seen = covered.find((span) => contains(span, at));
  return (
    <p
      className="pointer-events-none absolute top-15 left-2 z-5 max-w-[calc(100%-5.5rem)] truncate bg-bg/80 text-muted text-xs tabular"
      aria-live="off"
    >
      {at >= 0 && (
        <>
          <time className="font-semibold text-ink">{shortTime(bars.time[at] as number, series.timeframe_seconds)}</time>{" "}
          O {figure(bars.open)} H {figure(bars.high)} L {figure(bars.low)} C {figure(bars.close)}
          {bars.volume && ` V ${figure(bars.volume)}`}
          {seen && (
            <span className="text-reviewed">
              {" "}
              · reviewed{seen.labels && ` for ${seen.labels.length} of ${labelSet.labels.length} labels`}
            </span>
          )}
          {shades.test.some((span) => contains(span, at)) && " · test bar"}
        </>
      )}
    </p>
  );
}
