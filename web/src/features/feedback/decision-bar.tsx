"use client";

import { useEffect, useRef, useState } from "react";

import { Button } from "@/components/ui/button";
import { Kbd } from "@/components/ui/kbd";
import type { Reason } from "@/features/annotations";
import { REASONS } from "@/features/feedback/reasons";
import { focusChart } from "@/lib/keymap";

export type DecisionBarProps = {
  /** What is being decided, in words; null when nothing is chosen. */
  subject: string | null;
  mode: "choose" | "draw" | "correct" | "dismiss" | "flag";
  canUndo: boolean;
  onConfirm: () => void;
  onCorrect: () => void;
  onDismiss: () => void;
  onReason: (reason: Reason) => void;
  onFlag: () => void;
  /** Save the flag with what was written, which may be nothing. */
  onFlagged: (note: string) => void;
  onSkip: () => void;
  onUndo: () => void;
  /** Save the correction. */
  onCommit: () => void;
  onCancel: () => void;
};

/** The keys of deciding as buttons; each lights up when its key is pressed. */
export function DecisionBar(props: DecisionBarProps) {
  const { subject, mode, canUndo } = props;
  return (
    <div
      role="toolbar"
      aria-label="Decide"
      className="flex min-h-12 shrink-0 flex-wrap items-center justify-center gap-2 border-line border-t bg-bg px-3 py-1.5 max-sm:gap-1 max-sm:px-1 max-sm:[&>button]:px-1.5"
    >
      {(mode === "choose" || mode === "draw") && (
        <>
          <Button data-key="a" disabled={subject === null} onClick={props.onConfirm}>
            Confirm <Kbd>A</Kbd>
          </Button>
          <Button data-key="e" disabled={subject === null} onClick={props.onCorrect}>
            Correct <Kbd>E</Kbd>
          </Button>
          <Button data-key="x" disabled={subject === null} onClick={props.onDismiss}>
            Dismiss <Kbd>X</Kbd>
          </Button>
          <Button data-key="f" disabled={subject === null} onClick={props.onFlag}>
            Flag <Kbd>F</Kbd>
          </Button>
          <Button data-key="space" onClick={props.onSkip}>
            Skip <Kbd>Space</Kbd>
          </Button>
          <Button data-key="u" disabled={!canUndo} onClick={props.onUndo}>
            Undo <Kbd>U</Kbd>
          </Button>
        </>
      )}
      {mode === "correct" && (
        <>
          <span className="text-muted text-sm">
            Drag the edges, or choose one by <Kbd>[</Kbd> <Kbd>]</Kbd> and move it by <Kbd>←</Kbd> <Kbd>→</Kbd>. A digit
            is another label.
          </span>
          <Button look="chosen" data-key="enter" onClick={props.onCommit}>
            Save <Kbd>Enter</Kbd>
          </Button>
          <Button data-key="escape" onClick={props.onCancel}>
            Cancel <Kbd>Esc</Kbd>
          </Button>
        </>
      )}
      {mode === "dismiss" && (
        <>
          <span className="text-muted text-sm">Why?</span>
          {REASONS.map(({ reason, name, means }, position) => (
            <Button key={reason} data-key={String(position + 1)} title={means} onClick={() => props.onReason(reason)}>
              {name} <Kbd>{position + 1}</Kbd>
            </Button>
          ))}
          <Button data-key="escape" look="quiet" onClick={props.onCancel}>
            Cancel <Kbd>Esc</Kbd>
          </Button>
        </>
      )}
      {mode === "flag" && <FlagForm subject={subject} onFlagged={props.onFlagged} onCancel={props.onCancel} />}
    </div>
  );
}

/** One line for others. Ctrl+Enter saves it and goes on to do what it does elsewhere on the page. */
function FlagForm({ subject, onFlagged, onCancel }: Pick<DecisionBarProps, "subject" | "onFlagged" | "onCancel">) {
  const [note, setNote] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  function leave(done: () => void) {
    focusChart();
    done();
  }
  return (
    <form
      className="flex w-full max-w-2xl items-center gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        leave(() => onFlagged(note));
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") leave(onCancel);
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) leave(() => onFlagged(note));
      }}
    >
      <input
        ref={field}
        data-note
        aria-label={`What you cannot tell about ${subject ?? "it"}, for others`}
        placeholder="A note for others, or none"
        maxLength={500}
        value={note}
        onChange={(event) => setNote(event.target.value)}
        className="min-h-8 min-w-0 flex-1 rounded-md border border-line-strong bg-bg px-2 text-ink text-sm"
      />
      <Button type="submit" look="chosen">
        Flag <Kbd>Enter</Kbd>
      </Button>
      <Button look="quiet" onClick={() => leave(onCancel)}>
        Cancel <Kbd>Esc</Kbd>
      </Button>
    </form>
  );
}
