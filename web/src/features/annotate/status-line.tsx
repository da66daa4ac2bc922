"use client";

import { Button } from "@/components/ui/button";
import { NextTry } from "@/components/ui/next-try";
import type { PageScene } from "@/features/annotate/use-scene";
import { useAnnotations, useSession, useWorkspace } from "@/features/annotate/workspace";
import { LearningStatus, ModelNotice } from "@/features/feedback";
import { classes } from "@/lib/classes";

/** What was just done, whether it is saved, and what it leads to. */
export function StatusLine({ scene }: { scene: PageScene }) {
  const { labelSet } = useWorkspace();
  const message = useSession((state) => state.message);
  return (
    <footer // Where there is room one line, always: a second one would move the chart above.
      className="flex min-h-7 shrink-0 flex-wrap items-center gap-x-4 gap-y-1 border-line border-t px-3 py-0.5 text-muted text-xs tabular lg:flex-nowrap lg:whitespace-nowrap"
    >
      <SaveState />
      <span
        role="status"
        data-testid="message"
        className={classes("min-w-0 text-ink lg:shrink lg:truncate", message?.look === "bad" && "text-bad")}
        title={message?.text}
      >
        {message?.text}
      </span>
      <span className="flex-1" />
      <ModelNotice labelSet={labelSet.name} />
      <Counts scene={scene} />
      <LearningStatus labelSet={labelSet.name} />
    </footer>
  );
}

/** Whether what was said is with the service. */
export function SaveState() {
  const { store } = useWorkspace();
  const save = useAnnotations((state) => state.save);
  const unsaved = useAnnotations((state) => state.unsaved);
  const retryAt = useAnnotations((state) => state.retryAt);
  if (save === "away") {
    return (
      <span data-testid="save" className="flex items-center gap-2 font-semibold text-warn">
        <span role="alert">{unsaved} unsaved, kept here: the service is away</span>
        <NextTry at={retryAt} />
        <Button small onClick={store.retry}>
          Try now
        </Button>
      </span>
    );
  }
  return <span data-testid="save">{save === "saved" ? "All changes saved" : `Saving ${unsaved}`}</span>;
}

function Counts({ scene }: { scene: PageScene }) {
  const { data } = scene.scores;
  if (!data) return null;
  const hidden = data.predictions.length - scene.predictions.length;
  return (
    <span data-testid="counts" className="min-w-0 max-sm:hidden lg:shrink-[9] lg:truncate">
      {data.modelVersion === null
        ? "no predictions for this series yet"
        : `${scene.predictions.length} of ${data.predictions.length} predictions`}
      {hidden > 0 && " (filtered)"}
      {data.stale && data.modelVersion !== null && " · stale, being made again"}
      {data.cut && " · too many to show all, come closer"} · {scene.targets.length} to decide around here ·{" "}
      {scene.disagreements.length} disagreements
    </span>
  );
}
