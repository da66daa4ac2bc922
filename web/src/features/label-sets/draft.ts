import type { Schemas } from "@/api/client";

/** A label while somebody describes it: everything is text. */
export type LabelDraft = {
  readonly key: string;
  readonly name: string;
  readonly code: string;
  readonly colour: string;
  readonly hotkey: string;
  readonly bars: string;
};

/** Colours that stay apart for colour-blind people, darkened until each is readable on white (Okabe and Ito). */
export const COLOURS = ["#0072B2", "#B34A00", "#00735C", "#8A2F6B", "#8A6D00", "#4E79A7", "#B3261E", "#475569"];

let made = 0;

export function emptyLabel(position: number): LabelDraft {
  made += 1;
  const hotkey = position < 9 ? String(position + 1) : "";
  return {
    key: `label-${made}`,
    name: "",
    code: "",
    colour: COLOURS[position % COLOURS.length] ?? "#475569",
    hotkey,
    bars: "",
  };
}

/** What people write as a name, in the form that identifiers have. */
export function identifier(text: string, joint = "_"): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, joint)
    .replace(/^[^a-z]+/, "")
    .slice(0, 48)
    .replace(new RegExp(`${joint}+$`), "");
}

/** A code of three letters from a name: the first letters of three words, `GAU` of Gap up, the first three of one word. */
export function codeOf(name: string): string {
  const words = identifier(name).split("_").filter(Boolean);
  const [first = "", second = ""] = words;
  const letters = words.length >= 3 ? words.map((word) => word[0]).join("") : first.slice(0, second ? 2 : 3) + second;
  return letters.slice(0, 3).padEnd(3, "X").toUpperCase();
}

/** The label set in the form of the API; codes that were left out are made from the names. */
export function labelSetOf(name: string, drafts: readonly LabelDraft[]): Schemas["LabelSet"] {
  return {
    name: identifier(name, "-"),
    labels: drafts.map((draft) => ({
      name: identifier(draft.name),
      code: (draft.code || codeOf(draft.name)).toUpperCase(),
      colour: draft.colour.toUpperCase(),
      hotkey: draft.hotkey === "" ? null : draft.hotkey.toLowerCase(),
      bars: draft.bars === "" ? null : Number(draft.bars),
    })),
  };
}

/** What is wrong with a draft, by the field it is wrong in; `name` is the set's own, others are `labels.2.code`. */
export function problemsOf(set: Schemas["LabelSet"]): Record<string, string> {
  const found: Record<string, string> = {};
  if (set.name === "") found.name = "Give it a name that begins with a letter.";
  const seen = { name: new Map<string, number>(), code: new Map<string, number>(), hotkey: new Map<string, number>() };
  set.labels.forEach((label, position) => {
    const at = (field: string) => `labels.${position}.${field}`;
    if (label.name === "") found[at("name")] = "Give it a name that begins with a letter.";
    if (!/^[A-Z0-9]{3}$/.test(label.code)) found[at("code")] = "Three letters or digits.";
    if (label.hotkey != null && !/^[1-9a-z]$/.test(label.hotkey)) found[at("hotkey")] = "1 to 9 or a letter.";
    if (label.bars != null && !(Number.isInteger(label.bars) && label.bars >= 1 && label.bars <= 500)) {
      found[at("bars")] = "1 to 500, or empty.";
    }
    for (const field of ["name", "code", "hotkey"] as const) {
      const value = label[field];
      if (value == null || value === "" || found[at(field)] !== undefined) continue;
      const first = seen[field].get(value);
      if (first === undefined) seen[field].set(value, position);
      else found[at(field)] = `Label ${first + 1} has it too.`;
    }
  });
  return found;
}
