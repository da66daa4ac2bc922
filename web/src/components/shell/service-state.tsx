"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { asProblem } from "@/api/errors";
import { READINESS_EVERY, readinessQuery } from "@/api/queries";
import { NextTry } from "@/components/ui/next-try";
import { classes } from "@/lib/classes";

/** Whether the service answers, and what of it is missing, in words. */
export function ServiceState() {
  const { data, error, isPending, errorUpdatedAt } = useQuery(readinessQuery);
  const away = error !== null;
  const client = useQueryClient();
  const wasAway = useRef(false);
  useEffect(() => {
    // What failed meanwhile need not wait to be asked for.
    if (wasAway.current && !away) void client.refetchQueries({ predicate: ({ state }) => state.error !== null });
    wasAway.current = away;
  }, [client, away]);
  const missing = data
    ? (["model", "workers", "redis"] as const)
        .filter((part) => data[part] !== "ok")
        .map((part) => `${part}: ${data[part]}`)
    : [];
  const text = isPending ? "connecting" : away ? "service away" : missing.length > 0 ? "online, limited" : "online";
  const title = away ? asProblem(error).message : missing.join("\n") || "Service, workers and model are there.";
  return (
    <span
      role="status"
      title={title}
      className={classes(
        "flex items-center gap-1.5 whitespace-nowrap rounded-full border px-2 py-0.5 text-xs",
        away ? "border-bad text-bad" : missing.length > 0 ? "border-warn text-warn" : "border-line text-muted",
      )}
    >
      <span
        aria-hidden="true"
        className={classes(
          "size-1.5 rounded-full",
          isPending ? "bg-muted" : away ? "bg-bad" : missing.length > 0 ? "bg-warn" : "bg-good",
        )}
      />
      {text}
      {away && (
        <span className="max-sm:hidden">
          <NextTry at={errorUpdatedAt + READINESS_EVERY} />
        </span>
      )}
    </span>
  );
}
