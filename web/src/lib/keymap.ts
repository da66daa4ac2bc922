"use client";

import { useEffect, useEffectEvent } from "react";

export type Binding = {
  readonly run: () => void;
  /** A held key counts once: for decisions, which must never fall on something unseen. */
  readonly once?: boolean;
  /** Called when the key is let go of. */
  readonly release?: () => void;
};

/** What keys do, by names as `keyName` gives them: `a`, `shift+arrowleft`, `ctrl+z`, `?`. */
export type Bindings = Readonly<Record<string, Binding | (() => void) | undefined>>;

const SINGLE_KEYS = "candleloop.single-keys";

/** Whether keys work without the chart having the focus (WCAG 2.1.4 wants a switch). */
export function singleKeysOn(): boolean {
  try {
    return localStorage.getItem(SINGLE_KEYS) !== "off";
  } catch {
    return true;
  }
}

export function setSingleKeys(on: boolean): void {
  try {
    localStorage.setItem(SINGLE_KEYS, on ? "on" : "off");
  } catch {
    // Then they stay as they are.
  }
}

export function keyName(event: Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey">): string {
  const key = event.key === " " ? "space" : event.key.toLowerCase();
  const printed = key.length === 1 && !/[a-z]/.test(key);
  const shift = event.shiftKey && !printed ? "shift+" : "";
  return `${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${shift}${key}`;
}

const TYPING =
  "input:not([type=checkbox],[type=radio],[type=range],[type=button]), textarea, select, [contenteditable]";
/** Elements that use these keys themselves. */
const OWN_KEYS: Readonly<Record<string, string>> = {
  space: "button, a, summary, input, [role=tab], [role=option]",
  enter: "button, a, summary, [role=tab], [role=option], tr[tabindex]",
  arrowleft: "input, [role=tab], [role=option]",
  arrowright: "input, [role=tab], [role=option]",
  arrowup: "input, [role=tab], [role=option]",
  arrowdown: "input, [role=tab], [role=option]",
  home: "input, [role=tab]",
  end: "input, [role=tab]",
};

/** Whether a key is somebody else's: of a field, of a dialog, of a button that has the focus, or of the browser. */
export function isTaken(event: KeyboardEvent, name: string): boolean {
  if (event.defaultPrevented || event.isComposing || event.altKey) return true;
  if (document.querySelector("dialog[open]") !== null) return true;
  const at = event.target instanceof Element ? event.target : null;
  if (at?.closest(TYPING)) return name !== "ctrl+enter" || !at.matches("[data-note]");
  const owner = OWN_KEYS[name.replace(/^(ctrl\+)?(shift\+)?/, "")];
  if (owner !== undefined && at?.closest(owner)) return true;
  const needsChart = !name.startsWith("ctrl+") && !singleKeysOn();
  return needsChart && !at?.closest("[role=application]");
}

/** Give the chart of the page the focus, so that keys act on it again. */
export function focusChart(): void {
  document.querySelector<HTMLElement>("[role=application]")?.focus({ preventScroll: true });
}

/** Let keys do things while the component is there. */
export function useKeys(bindings: Bindings, enabled = true): void {
  const onDown = useEffectEvent((event: KeyboardEvent, held: Map<string, () => void>) => {
    const name = keyName(event);
    const found = bindings[name];
    if (found === undefined || isTaken(event, name)) return;
    event.preventDefault();
    const binding = typeof found === "function" ? { run: found } : found;
    if (event.repeat && (binding.once || binding.release)) return;
    if (binding.release) held.set(event.code, binding.release);
    flash(name);
    binding.run();
  });
  useEffect(() => {
    if (!enabled) return;
    const held = new Map<string, () => void>();
    const down = (event: KeyboardEvent) => onDown(event, held);
    const letGo = (code?: string) => {
      for (const [name, release] of held) {
        if (code !== undefined && name !== code) continue;
        held.delete(name);
        release();
      }
    };
    const up = (event: KeyboardEvent) => letGo(event.code);
    const blur = () => letGo();
    addEventListener("keydown", down);
    addEventListener("keyup", up);
    addEventListener("blur", blur);
    return () => {
      removeEventListener("keydown", down);
      removeEventListener("keyup", up);
      removeEventListener("blur", blur);
      letGo();
    };
  }, [enabled]);
}

/** Light up the button of a key, so that eyes learn what the hand did. */
export function flash(name: string): void {
  const style = getComputedStyle(document.documentElement);
  const [back, ink] = [style.getPropertyValue("--chosen"), style.getPropertyValue("--chosen-ink")];
  for (const button of document.querySelectorAll(`[data-key="${CSS.escape(name)}"]`)) {
    button.animate([{ background: back, color: ink }, {}], { duration: 260, easing: "ease-out" });
  }
}
