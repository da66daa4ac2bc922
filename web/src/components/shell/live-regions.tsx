"use client";

import { useSaid } from "@/lib/announce";

/** One polite and one assertive region for the whole page. */
export function LiveRegions() {
  const { results, failures } = useSaid();
  return (
    <div className="sr-only">
      <p aria-live="polite" data-testid="said">
        {results}
      </p>
      <p aria-live="assertive" data-testid="alarm">
        {failures}
      </p>
    </div>
  );
}
