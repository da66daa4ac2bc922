import type { PageScene } from "@/features/annotate/use-scene";
import { useSession, useWorkspace } from "@/features/annotate/workspace";
import { REASONS } from "@/features/feedback";
import { usePredictionsStore } from "@/features/predictions";
import { type Bindings, useKeys } from "@/lib/keymap";

/** The keys of the annotate page; the shortcut sheet lists the same. */
export function useKeysOfPage(
  { commands, port }: PageScene,
  onHelp: () => void,
  { more = {}, enabled = true }: { more?: Bindings; enabled?: boolean } = {},
): void {
  const { session, labelSet } = useWorkspace();
  const mode = useSession((state) => state.mode);
  const edge = useSession((state) => state.edge);
  const movesEdge = mode.kind === "correct" || edge !== null;
  const toggle = usePredictionsStore((state) => state.toggle);

  const bindings: Record<string, Bindings[string]> = {
    ...more,
    arrowleft: () => commands.move(-1),
    arrowright: () => commands.move(1),
    "shift+arrowleft": () => commands.move(movesEdge ? -5 : -1, true),
    "shift+arrowright": () => commands.move(movesEdge ? 5 : 1, true),
    pageup: () => commands.page(-10),
    pagedown: () => commands.page(10),
    home: () => void commands.toEnd("first"),
    end: () => void commands.toEnd("last"),
    "+": () => port?.zoom(1.3),
    "=": () => port?.zoom(1.3),
    "-": () => port?.zoom(1 / 1.3),
    "0": () => port?.fit(),
    d: commands.toggleDraw,
    n: () => commands.next(1),
    p: () => commands.next(-1),
    g: () => commands.nextDispute(1),
    "shift+g": () => commands.nextDispute(-1),
    "[": () => commands.chooseEdge("start"),
    "]": () => commands.chooseEdge("end"),
    enter: { run: commands.enter, once: true },
    escape: commands.cancel,
    delete: { run: commands.remove, once: true },
    backspace: { run: commands.remove, once: true },
    a: { run: commands.confirm, once: true },
    e: { run: commands.correct, once: true },
    x: { run: commands.dismiss, once: true },
    f: { run: commands.flag, once: true },
    space: { run: commands.skip, once: true },
    u: { run: commands.undoDecision, once: true },
    r: { run: commands.reviewed, once: true },
    m: { run: toggle, once: true },
    b: { run: () => session.set({ peek: true }), release: () => session.set({ peek: false }) },
    "ctrl+z": commands.undo,
    "ctrl+shift+z": commands.redo,
    "ctrl+y": commands.redo,
    "?": onHelp,
  };
  if (mode.kind === "dismiss") {
    REASONS.forEach(({ reason }, position) => {
      bindings[String(position + 1)] = { run: () => commands.reason(reason), once: true };
    });
  } else {
    for (const label of labelSet.labels) {
      // Letters that mean something else already stay with that.
      if (label.hotkey && bindings[label.hotkey] === undefined) {
        bindings[label.hotkey] = { run: () => commands.giveLabel(label), once: true };
      }
    }
  }
  useKeys(bindings, enabled);
}

export const SHORTCUTS: readonly { readonly group: string; readonly keys: readonly (readonly [string, string])[] }[] = [
  {
    group: "Move",
    keys: [
      ["← →", "bar cursor; with Shift select bars"],
      ["PgUp PgDn", "ten bars"],
      ["Home End", "first and last bar"],
      ["+ − 0", "closer, farther, everything loaded"],
      ["N P", "next, previous span to decide"],
      ["G", "next disagreement; Shift+G the one before"],
    ],
  },
  {
    group: "Mark",
    keys: [
      ["D", "draw: drag, or click first and last bar"],
      ["Shift+drag", "draw at any time"],
      ["1–9", "name the bars, rename the span, or correct the label"],
      ["Enter", "the same label as last time"],
      ["[ ]", "choose the left or right edge; arrows move it, with Shift by five bars"],
      ["Delete", "remove your span"],
      ["R", "reviewed up to the cursor"],
    ],
  },
  {
    group: "Decide",
    keys: [
      ["A", "confirm"],
      ["E", "correct: arrows, digits, Enter"],
      ["X", "dismiss, then a digit says why"],
      ["F", "flag as unsure, with a note: recorded, and left for others"],
      ["Space", "skip"],
      ["U", "take the last decision back"],
    ],
  },
  {
    group: "Everything else",
    keys: [
      ["M", "model on and off"],
      ["hold B", "look without the model"],
      ["Ctrl+Z", "undo; with Shift redo"],
      ["Esc", "leave, deselect"],
      ["?", "this sheet"],
    ],
  },
];
