import { interval, score } from "@/lib/format";

/** A score from 0 to 1 as a mark on a line, with its 95 % interval as a band. */
export function IntervalBar({
  value,
  range,
  look = "model",
}: {
  value: number | null | undefined;
  range: readonly number[] | null | undefined;
  look?: "model" | "muted";
}) {
  if (value === null || value === undefined) return null;
  const [low = value, high = value] = range ?? [];
  const colour = look === "model" ? "var(--model)" : "var(--muted)";
  return (
    <svg viewBox="0 0 100 8" preserveAspectRatio="none" className="h-2 w-full" role="img">
      <title>{`${score(value)}${range ? `, 95 % interval ${interval(range)}` : ""}`}</title>
      <line x1="0" x2="100" y1="4" y2="4" stroke="var(--line)" strokeWidth="1" vectorEffect="non-scaling-stroke" />
      <rect x={low * 100} width={Math.max(0.5, (high - low) * 100)} y="2" height="4" fill={colour} opacity="0.3" />
      <line
        x1={value * 100}
        x2={value * 100}
        y1="0"
        y2="8"
        stroke={colour}
        strokeWidth="2"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
