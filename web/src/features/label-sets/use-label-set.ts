"use client";

import { useQuery } from "@tanstack/react-query";
import { create } from "zustand";
import { persist } from "zustand/middleware";

import type { Schemas } from "@/api/client";
import { labelSetsQuery } from "@/api/queries";

export const useChosenLabelSet = create(
  persist<{ chosen: string | null; choose: (name: string) => void }>(
    (set) => ({ chosen: null, choose: (chosen) => set({ chosen }) }),
    { name: "candleloop.label-set", skipHydration: typeof window === "undefined" },
  ),
);

export type LabelSetChoice = {
  /** The label set that all pages are about; undefined until the list is there. */
  labelSet: Schemas["LabelSetView"] | undefined;
  all: readonly Schemas["LabelSetView"][];
  choose: (name: string) => void;
  error: Error | null;
};

/** The chosen label set; the one called `default`, or the first, when the chosen one is not there (any more). */
export function useLabelSet(): LabelSetChoice {
  const { chosen, choose } = useChosenLabelSet();
  const { data, error } = useQuery(labelSetsQuery);
  const all = data?.items ?? [];
  const labelSet =
    all.find((one) => one.name === chosen) ?? all.find((one) => one.name === "default") ?? all[0] ?? undefined;
  return { labelSet, all, choose, error };
}
