"use client";

import { createContext, useContext } from "react";

const Features = createContext<readonly string[]>([]);

export const FeaturesProvider = Features.Provider;

/** Whether the operator switched a feature on by `CANDLELOOP_FEATURES`, a list separated by commas. */
export function useFeature(name: string): boolean {
  return useContext(Features).includes(name);
}
