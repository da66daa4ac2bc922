import type { ReactNode } from "react";

import { classes } from "@/lib/classes";

const LOOKS = {
  info: "border-line text-ink",
  good: "border-good text-ink",
  warn: "border-warn text-ink",
  bad: "border-bad text-ink",
} as const;

/** Something the person should know, in the flow of the page: never a toast that goes away by itself. */
export function Notice({
  look = "info",
  title,
  children,
  action,
}: {
  look?: keyof typeof LOOKS;
  title?: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={classes("flex items-start gap-3 rounded-md border-l-4 bg-surface px-3 py-2", LOOKS[look])}>
      <div className="min-w-0 flex-1">
        {title && <p className="font-semibold">{title}</p>}
        {children && <div className="text-muted">{children}</div>}
      </div>
      {action}
    </div>
  );
}
