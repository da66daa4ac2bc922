export const THEMES = ["system", "light", "dark", "contrast"] as const;
export type ThemeChoice = (typeof THEMES)[number];
export type Theme = Exclude<ThemeChoice, "system">;

export const THEME_KEY = "candleloop.theme";
const CHANGED = "candleloop:theme";

/** Runs before the first paint, so that no page flashes in the wrong colours; kept free of imports. */
export const THEME_SCRIPT = `(function(){var d=document.documentElement,m=function(q){return matchMedia(q).matches};
function set(){var c;try{c=localStorage.getItem("${THEME_KEY}")}catch(e){}
d.dataset.theme=c==="light"||c==="dark"||c==="contrast"?c:m("(prefers-contrast: more)")||m("(forced-colors: active)")?"contrast":m("(prefers-color-scheme: dark)")?"dark":"light";
dispatchEvent(new Event("${CHANGED}"))}
set();["(prefers-color-scheme: dark)","(prefers-contrast: more)","(forced-colors: active)"].forEach(function(q){matchMedia(q).addEventListener("change",set)});
addEventListener("candleloop:choose-theme",set);addEventListener("storage",set)})()`;

export function chosenTheme(): ThemeChoice {
  try {
    const stored = localStorage.getItem(THEME_KEY);
    return THEMES.find((theme) => theme === stored) ?? "system";
  } catch {
    return "system";
  }
}

export function chooseTheme(choice: ThemeChoice): void {
  try {
    localStorage.setItem(THEME_KEY, choice);
  } catch {
    // A browser that stores nothing keeps the theme of the system.
  }
  dispatchEvent(new Event("candleloop:choose-theme"));
}

/** The theme on the screen now. */
export function currentTheme(): Theme {
  const shown = document.documentElement.dataset.theme;
  return shown === "dark" || shown === "contrast" ? shown : "light";
}

export function onThemeChange(listener: () => void): () => void {
  addEventListener(CHANGED, listener);
  return () => removeEventListener(CHANGED, listener);
}
