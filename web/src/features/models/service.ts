"use client";

import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { type Answered, api, unwrap } from "@/api/client";
import { asProblem } from "@/api/errors";
import { keys } from "@/api/queries";
import { alarm, announce } from "@/lib/announce";

export type Model = Answered<"ModelSummary">;

export function modelsQuery(labelSet: string) {
  return queryOptions({
    queryKey: keys.models(labelSet),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/models", { params: { query: { label_set: labelSet, limit: 50 } }, signal })),
    refetchInterval: 4_000,
    staleTime: 1_000,
  });
}

export type Promotion = { version: string; override: boolean; reason: string | null; revision: number | null };

export function usePromote(labelSet: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ version, override, reason, revision }: Promotion) =>
      unwrap(
        api.POST("/models/{version}/promote", {
          params: { path: { version } },
          body: { override, reason, expected_revision: revision },
        }),
      ),
    onSuccess: (answer) =>
      announce(
        answer.how === "rollback"
          ? `Rolled back to ${answer.version}, which is pinned now.`
          : `Version ${answer.version} is served now.`,
      ),
    onError: (error) => alarm(asProblem(error).message),
    onSettled: () => renew(client, labelSet),
  });
}

export function useUnpin(labelSet: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => unwrap(api.DELETE("/models/pin", { params: { query: { label_set: labelSet } } })),
    onSuccess: (answer) => announce(`Version ${answer.version} is not pinned any more.`),
    onError: (error) => alarm(asProblem(error).message),
    onSettled: () => renew(client, labelSet),
  });
}

export function useTrain(labelSet: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => unwrap(api.POST("/train", { body: { label_set: labelSet } })),
    onSuccess: () => announce("A training is under way."),
    onError: (error) => alarm(asProblem(error).message),
    onSettled: () => client.invalidateQueries({ queryKey: keys.jobs }),
  });
}

function renew(client: ReturnType<typeof useQueryClient>, labelSet: string) {
  return Promise.all(
    [keys.models(labelSet), keys.modelInfo(labelSet), keys.labelSetStatus(labelSet), keys.labelSets].map((queryKey) =>
      client.invalidateQueries({ queryKey }),
    ),
  );
}
