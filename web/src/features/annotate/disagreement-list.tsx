"use client";

import { useEffect, useRef, useState } from "react";

import { type Disagreement, disputeKey, isSettled, KINDS } from "@/features/annotate/layers";
import type { PageScene } from "@/features/annotate/use-scene";
import { useAnnotations, useSession, useWorkspace } from "@/features/annotate/workspace";
import { classes } from "@/lib/classes";
import { msOf, shortTime } from "@/lib/times";

type Kind = Disagreement["kind"];
const ALL = Object.keys(KINDS) as Kind[];
/** Rows that are drawn at once; the others wait for the list to be scrolled. */
const ROWS = 300;

/** The places where model and annotations differ; a row goes there. */
export function DisagreementList({ scene }: { scene: PageScene }) {
  const { series, labels } = useWorkspace();
  const decided = useAnnotations((state) => state.decided);
  const chosen = useSession((state) => state.chosen);
  const [kinds, setKinds] = useState<readonly Kind[]>(ALL);
  const list = useRef<HTMLUListElement>(null);
  const key = chosen?.lane === "dispute" ? chosen.key : null;
  useEffect(() => {
    if (key) list.current?.querySelector("[aria-current=true]")?.scrollIntoView({ block: "nearest" });
  }, [key]);
  if (!scene.showModel) {
    return <p className="p-3 text-muted text-sm">The model is hidden, and where it disagrees: M shows both.</p>;
  }
  const counts = new Map<Kind, number>();
  for (const one of scene.disagreements) counts.set(one.kind, (counts.get(one.kind) ?? 0) + 1);
  const shown = scene.disagreements.filter((one) => kinds.includes(one.kind));
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <fieldset aria-label="Kinds of disagreement" className="flex shrink-0 gap-1 p-1.5">
        {ALL.map((kind) => (
          <button
            key={kind}
            type="button"
            title={`${KINDS[kind].name}: ${KINDS[kind].means}`}
            aria-label={KINDS[kind].name}
            aria-pressed={kinds.includes(kind)}
            onClick={() => setKinds(kinds.includes(kind) ? kinds.filter((one) => one !== kind) : [...kinds, kind])}
            className={classes(
              "flex min-h-6 flex-1 items-center justify-center gap-1 rounded border text-xs tabular",
              kinds.includes(kind) ? "border-dispute text-ink" : "border-line text-muted line-through",
            )}
          >
            <span className="font-bold text-dispute">{KINDS[kind].sign}</span>
            {counts.get(kind) ?? 0}
          </button>
        ))}
      </fieldset>
      {shown.length === 0 && (
        <p className="p-3 text-muted text-sm">
          {scene.disagreements.length > 0
            ? `All ${scene.disagreements.length} are hidden by the kinds above.`
            : "No disagreements: model and annotations say the same, or nothing was predicted here."}
        </p>
      )}
      <ul ref={list} className="min-h-0 flex-1 overflow-y-auto pb-2">
        {shown.slice(0, ROWS).map((one) => {
          const id = disputeKey(one);
          const here = id === key;
          const label = (one.prediction ?? one.annotation)?.label ?? "";
          return (
            <li key={id}>
              <button
                type="button"
                aria-current={here}
                onClick={() =>
                  scene.commands.goTo(
                    { lane: "dispute", key: id },
                    { start: msOf(one.start_time), end: msOf(one.end_time) },
                  )
                }
                className={classes(
                  "flex min-h-6 w-full items-center gap-2 px-3 text-left text-xs",
                  here ? "bg-chosen text-chosen-ink" : "hover:bg-surface",
                  isSettled(one, decided) && "line-through opacity-60",
                )}
              >
                <span aria-hidden="true" className={classes("w-3 text-center font-bold", !here && "text-dispute")}>
                  {KINDS[one.kind].sign}
                </span>
                <span className="sr-only">{KINDS[one.kind].name}</span>
                <span className="font-mono">{labels.get(label)?.code}</span>
                <time className="ml-auto tabular">{shortTime(msOf(one.start_time), series.timeframe_seconds)}</time>
              </button>
            </li>
          );
        })}
        {shown.length > ROWS && (
          <li className="px-3 py-2 text-muted text-xs">{shown.length - ROWS} more: G goes through all of them</li>
        )}
      </ul>
    </div>
  );
}
