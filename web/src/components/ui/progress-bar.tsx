import { classes } from "@/lib/classes";

const LOOKS = { busy: "bg-human", good: "bg-good", bad: "bg-bad", still: "bg-line-strong" } as const;

/** How far something is; without a known end it only says that it goes on. */
export function ProgressBar({
  value,
  label,
  look = "busy",
}: {
  /** 0 to 1, or null when nobody knows. */
  value: number | null;
  label: string;
  look?: keyof typeof LOOKS;
}) {
  const known = value === null ? {} : { "aria-valuenow": Math.round(value * 100) };
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...known}
      className="h-1.5 w-full overflow-hidden rounded-full bg-line"
    >
      <div
        className={classes(
          "h-full rounded-full transition-[width] duration-300",
          LOOKS[look],
          value === null && look === "busy" && "w-1/3 animate-pulse",
        )}
        style={value === null ? undefined : { width: `${Math.min(100, value * 100)}%` }}
      />
    </div>
  );
}
