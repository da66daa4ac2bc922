import { expect, it } from "vitest";

import { codeOf, emptyLabel, identifier, labelSetOf, problemsOf } from "./draft";

const label = (change: Partial<ReturnType<typeof emptyLabel>>) => ({ ...emptyLabel(0), ...change });

it("makes identifiers and codes of what people write", () => {
  expect([identifier("Three white soldiers"), identifier(" 3 Gap! "), identifier("My Set", "-")]).toEqual([
    "three_white_soldiers",
    "gap",
    "my-set",
  ]);
  expect([
    codeOf("Three white soldiers"),
    codeOf("Hammer"),
    codeOf("Up"),
    codeOf("Gap up"),
    codeOf("Gap down"),
  ]).toEqual(["TWS", "HAM", "UPX", "GAU", "GAD"]);
});

it("writes a set in the form of the API", () => {
  const set = labelSetOf("My patterns", [label({ name: "Hammer", bars: "1", hotkey: "h" })]);
  expect(set).toEqual({
    name: "my-patterns",
    labels: [{ name: "hammer", code: "HAM", colour: "#0072B2", hotkey: "h", bars: 1 }],
  });
  expect(problemsOf(set)).toEqual({});
});

it("names every field that is wrong, and which label has the same already", () => {
  const set = labelSetOf("", [
    label({ name: "Hammer", hotkey: "1" }),
    label({ name: "Hammer", code: "X", hotkey: "1", bars: "0" }),
    label({ name: "", hotkey: "!!" }),
  ]);
  expect(Object.keys(problemsOf(set)).sort()).toEqual([
    "labels.1.bars",
    "labels.1.code",
    "labels.1.hotkey",
    "labels.1.name",
    "labels.2.hotkey",
    "labels.2.name",
    "name",
  ]);
  expect(problemsOf(set)["labels.1.name"]).toBe("Label 1 has it too.");
});
