"use client";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { labelName } from "@/features/annotate/layers";
import { useAnnotations, useWorkspace } from "@/features/annotate/workspace";
import type { Op, Place, Trouble } from "@/features/annotations";
import { msOf, shortTime } from "@/lib/times";

/** Edits that the service did not take, each with what lies there and what to do about it. */
export function Conflicts() {
  const { store } = useWorkspace();
  const troubles = useAnnotations((state) => state.troubles);
  if (troubles.length === 0) return null;
  return (
    <div role="alert" className="max-h-40 shrink-0 space-y-1 overflow-y-auto border-line border-b p-2">
      {troubles.map((trouble) => (
        <Notice
          key={trouble.op.n}
          look="warn"
          title={trouble.current ? "Somebody else was here" : "This was not saved"}
          action={
            <span className="flex gap-2">
              {canKeep(trouble) && (
                <Button small onClick={() => store.keepMine(trouble.op.n)}>
                  Keep mine
                </Button>
              )}
              <Button small onClick={() => store.takeTheirs(trouble.op.n)}>
                {trouble.current ? "Take theirs" : "Understood"}
              </Button>
            </span>
          }
        >
          <Words trouble={trouble} />
        </Notice>
      ))}
    </div>
  );
}

function canKeep({ op, current }: Trouble): boolean {
  return (op.op === "change" || op.op === "delete") && current?.kind === "annotation" && !current.deleted;
}

function Words({ trouble: { op, message, current } }: { trouble: Trouble }) {
  const { series } = useWorkspace();
  const said = (place: Place) =>
    `${labelName(place.label)}, ${shortTime(place.start, series.timeframe_seconds)} to ${shortTime(place.end, series.timeframe_seconds)}`;
  const theirs =
    current?.label && current.start_time && current.end_time
      ? `${current.deleted ? "deleted: " : ""}${said({ label: current.label, start: msOf(current.start_time), end: msOf(current.end_time) })}`
      : current?.deleted
        ? "deleted"
        : null;
  return (
    <>
      You wanted to {wish(op, said)}. {message}
      {theirs && ` There is now: ${theirs}.`}
    </>
  );
}

function wish(op: Op, said: (place: Place) => string): string {
  switch (op.op) {
    case "create":
      return `mark ${said(op.place)}`;
    case "change":
      return `change ${said(op.was)} to ${said(op.place)}`;
    case "delete":
      return `delete ${said(op.was)}`;
    case "review":
      return "mark bars as reviewed";
    case "unreview":
      return "take back that bars were reviewed";
    case "decide":
      return `${op.decision.verb} ${said(op.decision.target)}`;
    case "take-back":
      return `take back a decision on ${said(op.decision.target)}`;
  }
}
