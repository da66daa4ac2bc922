import type { ReactNode } from "react";

import { classes } from "@/lib/classes";

const LOOKS = {
  plain: "border-line text-muted",
  good: "border-good text-good",
  bad: "border-bad text-bad",
  warn: "border-warn text-warn",
  human: "border-human text-human",
  chosen: "border-chosen bg-chosen text-chosen-ink",
} as const;

/** A word or two about the state of something. */
export function Tag({
  look = "plain",
  title,
  children,
}: {
  look?: keyof typeof LOOKS;
  title?: string;
  children: ReactNode;
}) {
  return (
    <span
      title={title}
      className={classes(
        "inline-flex items-center gap-1 whitespace-nowrap rounded-full border px-2 py-px font-medium text-xs",
        LOOKS[look],
      )}
    >
      {children}
    </span>
  );
}
