"use client";

import { useCallback, useSyncExternalStore } from "react";

import type { Look } from "@/features/chart";

const KEY = "candleloop.look";
const PLAIN: Look = { candles: "plain", volume: true };
let cached: { text: string | null; look: Look } = { text: null, look: PLAIN };

function read(): Look {
  let text: string | null = null;
  try {
    text = localStorage.getItem(KEY);
    if (text !== cached.text) cached = { text, look: text === null ? PLAIN : { ...PLAIN, ...JSON.parse(text) } };
  } catch {
    cached = { text, look: PLAIN };
  }
  return cached.look;
}

function subscribe(listener: () => void): () => void {
  addEventListener("candleloop:look", listener);
  return () => removeEventListener("candleloop:look", listener);
}

/** How candles are drawn, remembered on this machine. */
export function useLook(): [Look, (look: Look) => void] {
  const look = useSyncExternalStore(subscribe, read, () => PLAIN);
  const set = useCallback((next: Look) => {
    try {
      localStorage.setItem(KEY, JSON.stringify(next));
    } catch {
      return;
    }
    dispatchEvent(new Event("candleloop:look"));
  }, []);
  return [look, set];
}
