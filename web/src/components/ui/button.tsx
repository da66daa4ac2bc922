import type { ComponentProps } from "react";

import { classes } from "@/lib/classes";

const LOOKS = {
  plain: "border-line-strong bg-raised text-ink hover:bg-surface",
  chosen: "border-chosen bg-chosen text-chosen-ink",
  quiet: "border-transparent bg-transparent text-muted hover:bg-surface hover:text-ink",
  danger: "border-bad bg-raised text-bad hover:bg-surface",
} as const;

export type ButtonProps = ComponentProps<"button"> & { look?: keyof typeof LOOKS; small?: boolean };

export function Button({ look = "plain", small = false, className, type = "button", ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      className={classes(
        "inline-flex items-center justify-center gap-1.5 whitespace-nowrap rounded-md border font-medium transition-colors disabled:opacity-45",
        small ? "min-h-6 px-2 text-xs" : "min-h-8 px-3 text-sm",
        LOOKS[look],
        className,
      )}
      {...rest}
    />
  );
}
