"use client";

import { useSyncExternalStore } from "react";

import { chooseTheme, chosenTheme, onThemeChange, THEMES, type ThemeChoice } from "@/lib/theme";

const NAMES: Record<ThemeChoice, string> = {
  system: "System",
  light: "Light",
  dark: "Dark",
  contrast: "High contrast",
};

export function ThemeSwitch() {
  const choice = useSyncExternalStore(onThemeChange, chosenTheme, () => "system" as const);
  return (
    <select
      aria-label="Theme"
      value={choice}
      onChange={(event) => chooseTheme(event.target.value as ThemeChoice)}
      className="h-7 min-w-0 rounded-md max-sm:w-20 border border-line bg-bg px-1.5 text-muted text-xs"
    >
      {THEMES.map((theme) => (
        <option key={theme} value={theme}>
          {NAMES[theme]}
        </option>
      ))}
    </select>
  );
}
