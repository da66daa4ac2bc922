import type { Reason } from "@/features/annotations";

/** Why something is dismissed, in the order of its digits, and what that means for the model. */
export const REASONS: readonly { readonly reason: Reason; readonly name: string; readonly means: string }[] = [
  { reason: "nothing_here", name: "Nothing here", means: "no pattern of any label: these bars become reviewed" },
  { reason: "wrong_label", name: "Wrong label", means: "not this label here" },
  { reason: "wrong_edges", name: "Wrong edges", means: "the pattern lies elsewhere; recorded" },
  { reason: "duplicate", name: "Duplicate", means: "another mark says the same; recorded" },
  { reason: "unsure", name: "Unsure", means: "recorded; stays open for others" },
];
