"use client";

import { Button } from "@/components/ui/button";
import { useWindow, useWorkspace } from "@/features/annotate/workspace";

/** Over the chart: that candles are on their way, or why they are not. */
export function WindowState() {
  const { window } = useWorkspace();
  const loading = useWindow((state) => state.loading);
  const problem = useWindow((state) => state.problem);
  const isEmpty = useWindow((state) => state.bars.time.length === 0);
  if (isEmpty && problem) {
    return (
      <div className="absolute inset-0 flex flex-col items-center justify-center gap-3 bg-bg">
        <p role="alert">{problem.message}</p>
        <Button onClick={() => void window.openAt(null)}>Try again</Button>
      </div>
    );
  }
  if (loading) {
    return (
      <p className="absolute inset-x-0 top-1/3 text-center text-muted" role="status">
        Loading candles
      </p>
    );
  }
  return null;
}
