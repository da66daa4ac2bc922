"use client";

import { QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { makeQueryClient } from "@/api/query-client";
import { FeaturesProvider } from "@/lib/features";

export function Providers({ features, children }: { features: readonly string[]; children: ReactNode }) {
  const [client] = useState(makeQueryClient);
  return (
    <QueryClientProvider client={client}>
      <FeaturesProvider value={features}>{children}</FeaturesProvider>
    </QueryClientProvider>
  );
}
