import type { Answered } from "@/api/client";
import { count, percent } from "@/lib/format";

type Reliability = Answered<"Reliability">;

const SIZE = 140;
const EDGE = 22;

/**
 * How well confidence fits what was right: a point for each bin, on the diagonal when it fits, its size by its spans.
 */
export function ReliabilityPlot({ name, reliability }: { name: string; reliability: Reliability }) {
  const most = Math.max(1, ...reliability.bins.map((bin) => bin.count));
  const x = (share: number) => EDGE + share * SIZE;
  const y = (share: number) => 6 + (1 - share) * SIZE;
  return (
    <figure>
      <svg viewBox={`0 0 ${EDGE + SIZE + 8} ${SIZE + 34}`} className="mx-auto w-full max-w-52" role="img">
        <title>
          {`Reliability of ${name}: expected calibration error ${reliability.ece.toFixed(3)} over ${reliability.spans} spans. ${reliability.bins
            .map((bin) => `At confidence ${percent(bin.confidence)}, ${percent(bin.right)} of ${bin.count} were right.`)
            .join(" ")}`}
        </title>
        <rect x={x(0)} y={y(1)} width={SIZE} height={SIZE} fill="none" stroke="var(--line)" />
        {[0.25, 0.5, 0.75].map((share) => (
          <g key={share} stroke="var(--grid)">
            <line x1={x(share)} x2={x(share)} y1={y(0)} y2={y(1)} />
            <line x1={x(0)} x2={x(1)} y1={y(share)} y2={y(share)} />
          </g>
        ))}
        <line x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} stroke="var(--line-strong)" strokeDasharray="3 3" />
        <polyline
          fill="none"
          stroke="var(--model)"
          strokeWidth="1.5"
          points={reliability.bins.map((bin) => `${x(bin.confidence)},${y(bin.right)}`).join(" ")}
        />
        {reliability.bins.map((bin) => (
          <circle
            key={bin.confidence}
            cx={x(bin.confidence)}
            cy={y(bin.right)}
            r={2 + 3 * Math.sqrt(bin.count / most)}
            fill="var(--model)"
            stroke="var(--bg)"
          />
        ))}
        <g fill="var(--muted)" fontSize="9">
          <text x={x(0)} y={SIZE + 18}>
            0
          </text>
          <text x={x(0.5)} y={SIZE + 18} textAnchor="middle">
            confidence
          </text>
          <text x={x(1)} y={SIZE + 18} textAnchor="end">
            1
          </text>
          <text x={EDGE - 6} y={y(0.5)} textAnchor="middle" transform={`rotate(-90 ${EDGE - 6} ${y(0.5)})`}>
            share that was right
          </text>
        </g>
      </svg>
      <figcaption className="tabular text-muted text-xs">
        {name}: calibration error {reliability.ece.toFixed(3)} over {count(reliability.spans)} spans in test bars
      </figcaption>
    </figure>
  );
}
