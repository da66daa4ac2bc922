"use client";

import { useSyncExternalStore } from "react";

/** As `max-lg` in the classes: below it lists and panels have no place beside the chart. */
const NARROW = "(width < 64rem)";

function subscribe(listener: () => void): () => void {
  const query = matchMedia(NARROW);
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

/** Whether the window is too narrow for anything beside the chart. */
export function useNarrow(): boolean {
  return useSyncExternalStore(
    subscribe,
    () => matchMedia(NARROW).matches,
    () => false,
  );
}
