"use client";

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { modelInfoQuery } from "@/api/queries";
import { Button } from "@/components/ui/button";

type Served = { version: string; f1: number | null };

/** A quiet line when another model went live while the page was open, with its macro-F1 and that of the one before. */
export function ModelNotice({ labelSet }: { labelSet: string }) {
  const { data } = useQuery(modelInfoQuery(labelSet));
  const before = useRef<Served | null>(null);
  const [news, setNews] = useState<{ from: Served; to: Served } | null>(null);
  const version = data?.model.version;
  const f1 = data?.metrics?.macro_f1 ?? null;
  useEffect(() => {
    if (version === undefined) return;
    const from = before.current;
    before.current = { version, f1 };
    if (from && from.version !== version) setNews({ from, to: { version, f1 } });
  }, [version, f1]);
  if (news === null) return null;
  return (
    <span className="flex items-center gap-2 text-good" role="status" data-testid="model-notice">
      Model {news.to.version} is live: macro-F1 {percent(news.from.f1)} before, {percent(news.to.f1)} now
      <Button small look="quiet" onClick={() => setNews(null)}>
        Good
      </Button>
    </span>
  );
}

function percent(value: number | null): string {
  return value === null ? "not measurable" : (100 * value).toFixed(1);
}
