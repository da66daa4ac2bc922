"use client";

import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { create } from "zustand";

import type { Answered } from "@/api/client";
import { modelInfoQuery } from "@/api/queries";
import { Button } from "@/components/ui/button";

type Info = Answered<"ModelInfo">;
type News = { readonly version: string; readonly before: number | null; readonly now: number | null };

/** The model that was served last, and what is to be told, by label set: it outlasts the items and pages it is told on. */
const useServed = create<Record<string, { readonly last: Info; readonly news: News | null }>>(() => ({}));

/** A quiet line when another model went live while the page was open, with its macro-F1 and that of the one before. */
export function ModelNotice({ labelSet }: { labelSet: string }) {
  const { data } = useQuery(modelInfoQuery(labelSet));
  const news = useServed((state) => state[labelSet]?.news) ?? null;
  useEffect(() => {
    if (data === undefined) return;
    const known = useServed.getState()[labelSet];
    const isAnother = known !== undefined && known.last.model.version !== data.model.version;
    useServed.setState({
      [labelSet]: { last: data, news: isAnother ? newsOf(known.last, data) : (known?.news ?? null) },
    });
  }, [labelSet, data]);
  if (news === null) return null;
  return (
    <span className="flex items-center gap-2 text-good" role="status" data-testid="model-notice">
      Model {news.version} is live: macro-F1 {percent(news.before)} before, {percent(news.now)} now
      <Button small look="quiet" onClick={() => data && useServed.setState({ [labelSet]: { last: data, news: null } })}>
        Good
      </Button>
    </span>
  );
}

/** A newer model was compared with the one before on the same marks, by the gate; an older one is back as it was measured. */
function newsOf({ model: { trained_at }, metrics }: Info, { model, metrics: own, gate }: Info): News {
  const { version } = model;
  return gate && model.trained_at > trained_at
    ? { version, before: gate.champion_macro_f1, now: gate.candidate_macro_f1 }
    : { version, before: metrics?.macro_f1 ?? null, now: own?.macro_f1 ?? null };
}

function percent(value: number | null): string {
  return value === null ? "not measurable" : (100 * value).toFixed(1);
}
