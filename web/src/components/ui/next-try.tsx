"use client";

import { useNow } from "@/lib/use-now";

/** Counts down to the next try, to a moment in ms since 1970; hidden from screen readers, which would read each second. */
export function NextTry({ at }: { at: number | null }) {
  const now = useNow();
  if (now === 0) return null;
  const seconds = at === null ? 0 : Math.ceil((at - now) / 1000);
  return (
    <span aria-hidden="true" className="font-normal tabular">
      {seconds > 0 ? `next try in ${seconds} s` : "trying now"}
    </span>
  );
}
