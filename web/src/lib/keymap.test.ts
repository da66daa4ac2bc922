// @vitest-environment jsdom
import { afterEach, describe, expect, it } from "vitest";

import { isTaken, keyName, setSingleKeys } from "@/lib/keymap";

function press(html: string, key: string, options: KeyboardEventInit = {}): boolean {
  document.body.innerHTML = html;
  const at = document.querySelector("[data-at]") ?? document.body;
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options });
  let taken = false;
  const listen = (seen: KeyboardEvent) => {
    taken = isTaken(seen, keyName(seen));
  };
  addEventListener("keydown", listen);
  at.dispatchEvent(event);
  removeEventListener("keydown", listen);
  return taken;
}

afterEach(() => localStorage.clear());

describe("names of keys", () => {
  it.each([
    [{ key: "A", shiftKey: true, ctrlKey: false, metaKey: false }, "shift+a"],
    [{ key: "?", shiftKey: true, ctrlKey: false, metaKey: false }, "?"],
    [{ key: " ", shiftKey: false, ctrlKey: false, metaKey: false }, "space"],
    [{ key: "Z", shiftKey: true, ctrlKey: true, metaKey: false }, "ctrl+shift+z"],
    [{ key: "z", shiftKey: false, ctrlKey: false, metaKey: true }, "ctrl+z"],
    [{ key: "ArrowLeft", shiftKey: true, ctrlKey: false, metaKey: false }, "shift+arrowleft"],
  ])("%o is %s", (event, name) => expect(keyName(event)).toBe(name));
});

describe("keys that belong to somebody else", () => {
  it.each([
    ["a field", "<input data-at>", "a"],
    ["a note", "<textarea data-at></textarea>", "x"],
    ["an open dialog", "<dialog open></dialog>", "a"],
    ["a button with the focus", "<button data-at>x</button>", " "],
    ["a row with the focus", "<table><tr tabindex=0 data-at></tr></table>", "Enter"],
    ["a slider", "<input type=range data-at>", "ArrowLeft"],
  ])("leaves %s alone", (_name, html, key) => expect(press(html, key)).toBe(true));

  it("leaves the browser's Alt keys alone", () => {
    expect(press("", "ArrowLeft", { altKey: true })).toBe(true);
  });

  it("takes letters while a button or a check box has the focus", () => {
    expect(press("<button data-at>x</button>", "a")).toBe(false);
    expect(press("<input type=checkbox data-at>", "a")).toBe(false);
  });

  it("works on the chart alone when single keys are switched off", () => {
    setSingleKeys(false);
    expect(press("<p data-at>x</p>", "a")).toBe(true);
    expect(press("<div role=application><p data-at>x</p></div>", "a")).toBe(false);
    expect(press("<p data-at>x</p>", "z", { ctrlKey: true })).toBe(false);
  });
});
