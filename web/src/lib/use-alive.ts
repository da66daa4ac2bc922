"use client";

import { useSyncExternalStore } from "react";

const never = () => () => {};

/** Whether the page lives: false in what the server makes and in the first picture in the browser, which must be equal. */
export function useAlive(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
}
