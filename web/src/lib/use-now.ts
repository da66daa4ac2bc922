"use client";

import { useEffect, useState } from "react";

/** The present in milliseconds, renewed every second while the page is looked at; 0 until the page lives. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(0);
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
