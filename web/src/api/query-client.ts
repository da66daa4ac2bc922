import { QueryClient } from "@tanstack/react-query";

import { asProblem } from "@/api/errors";

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The service is on this machine more often than not: being offline says nothing about it.
        networkMode: "always",
        staleTime: 15_000,
        refetchOnWindowFocus: true,
        retry: (failures, error) => asProblem(error).isAway && failures < 2,
        retryDelay: (failures) => Math.min(500 * 2 ** failures, 4_000),
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}
