/** What was done and may be undone, and what was undone and may be done again; without limit. */
export type History<Entry> = { readonly past: readonly Entry[]; readonly future: readonly Entry[] };

export const EMPTY: History<never> = { past: [], future: [] };

/** Write an entry down; what had been undone before it is gone. */
export function record<Entry>(history: History<Entry>, entry: Entry): History<Entry> {
  return { past: [...history.past, entry], future: [] };
}

/** Step back: the entry to undo, and the history after it; null at the beginning. */
export function back<Entry>({ past, future }: History<Entry>): [Entry, History<Entry>] | null {
  const entry = past.at(-1);
  return entry === undefined ? null : [entry, { past: past.slice(0, -1), future: [entry, ...future] }];
}

/** Step forward again: the entry to redo, and the history after it; null at the end. */
export function forth<Entry>({ past, future }: History<Entry>): [Entry, History<Entry>] | null {
  const [entry, ...rest] = future;
  return entry === undefined ? null : [entry, { past: [...past, entry], future: rest }];
}

/** Take out entries wherever they are, because what they did does not hold or was undone by itself. */
export function without<Entry>(history: History<Entry>, gone: (entry: Entry) => boolean): History<Entry> {
  return { past: history.past.filter((one) => !gone(one)), future: history.future.filter((one) => !gone(one)) };
}
