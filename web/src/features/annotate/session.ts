import { createStore, type StoreApi } from "zustand/vanilla";

import type { Edge, Place, Range } from "@/features/annotations";
import type { Lane } from "@/features/chart";

export type Chosen = { readonly lane: Lane; readonly key: string };

export type Mode =
  | { readonly kind: "choose" }
  | { readonly kind: "draw" }
  | { readonly kind: "dismiss" }
  /** Somebody cannot tell, and may write down why. */
  | { readonly kind: "flag" }
  /** A correction in the making: where it stands now. */
  | { readonly kind: "correct"; readonly place: Place };

export type Message = { readonly text: string; readonly look: "info" | "bad"; readonly n: number };

/** What the person is doing on the page: nothing of it is stored. Places are times, because bars are renumbered. */
export type SessionState = {
  readonly mode: Mode;
  readonly cursor: number | null;
  readonly anchor: number | null;
  readonly selection: Range | null;
  readonly chosen: Chosen | null;
  /** Where the chosen span is dragged to, before it is let go of. */
  readonly dragged: Place | null;
  readonly edge: Edge | null;
  /** Holding B: look without the model. */
  readonly peek: boolean;
  /** The label given last, which Enter gives again. */
  readonly label: string | null;
  readonly message: Message | null;
  /** When the chosen one was chosen, for the seconds a decision took. */
  readonly since: number;
};

export type Session = StoreApi<SessionState> & {
  set(part: Partial<SessionState>): void;
  say(text: string, look?: Message["look"]): void;
  choose(chosen: Chosen | null): void;
  /** Leave what is going on, one step at a time. */
  cancel(): void;
};

export function createSession(): Session {
  const store = createStore<SessionState>(() => ({
    mode: { kind: "choose" },
    cursor: null,
    anchor: null,
    selection: null,
    chosen: null,
    dragged: null,
    edge: null,
    peek: false,
    label: null,
    message: null,
    since: 0,
  }));
  const set = (part: Partial<SessionState>) => store.setState(part);
  return Object.assign(store, {
    set,
    say(text: string, look: Message["look"] = "info") {
      set({ message: { text, look, n: (store.getState().message?.n ?? 0) + 1 } });
    },
    choose(chosen: Chosen | null) {
      set({ chosen, edge: null, dragged: null, mode: { kind: "choose" }, since: performance.now() });
    },
    cancel() {
      const { mode, selection, edge } = store.getState();
      if (mode.kind !== "choose")
        set({ mode: { kind: "choose" }, selection: null, anchor: null, edge: null, dragged: null });
      else if (selection) set({ selection: null, anchor: null });
      else if (edge) set({ edge: null });
      else set({ chosen: null });
    },
  });
}
