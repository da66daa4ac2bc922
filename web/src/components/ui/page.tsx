import type { ReactNode } from "react";

/** The frame of every page but the chart: a heading, what one can do, the content. */
export function Page({
  title,
  lead,
  actions,
  children,
}: {
  title: string;
  lead?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <main className="min-h-0 w-full flex-1 overflow-y-auto">
      <div className="mx-auto w-full max-w-6xl px-4 py-5 sm:px-6">
        <div className="mb-5 flex flex-wrap items-center gap-x-4 gap-y-3">
          <div className="min-w-0 flex-1 max-sm:basis-full">
            <h1 className="font-semibold text-xl tracking-tight">{title}</h1>
            {lead && <p className="mt-0.5 text-muted">{lead}</p>}
          </div>
          {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
        </div>
        {children}
      </div>
    </main>
  );
}

/** Something that stands apart from the page around it. */
export function Card({ children, className = "" }: { children: ReactNode; className?: string }) {
  return <div className={`rounded-lg border border-line bg-raised ${className}`}>{children}</div>;
}

/** Grey bars in the place of what is being fetched. */
export function Skeleton({ rows = 4, label }: { rows?: number; label: string }) {
  return (
    <div role="status" aria-label={label} className="space-y-2">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: bars without content never change places
        <div key={row} className="h-11 animate-pulse rounded-md bg-surface" />
      ))}
    </div>
  );
}
