"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useState } from "react";

import { asProblem } from "@/api/errors";
import { labelSetStatusQuery, readinessQuery } from "@/api/queries";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { Card, Page, Skeleton } from "@/components/ui/page";
import { ServiceProblem } from "@/components/ui/service-problem";
import { Tag } from "@/components/ui/tag";
import { isActive, JobProgress, useJob } from "@/features/jobs";
import { LabelSetChoice, useLabelSet } from "@/features/label-sets";
import { ago, duration, interval, labelName, plural, score } from "@/lib/format";
import { useNow } from "@/lib/use-now";

import { CompareTable } from "./compare-table";
import { PromoteDialog } from "./promote-dialog";
import { type Model, modelsQuery, useTrain, useUnpin } from "./service";

const MOST_COMPARED = 4;

export function ModelsPage() {
  const { labelSet, error: withoutLabelSets } = useLabelSet();
  const name = labelSet?.name ?? "";
  const known = labelSet !== undefined;
  const versions = useQuery({ ...modelsQuery(name), enabled: known });
  const { data, isPending } = versions;
  const error = versions.error ?? (known ? null : withoutLabelSets);
  const { data: status } = useQuery({ ...labelSetStatusQuery(name), enabled: known });
  const { data: readiness } = useQuery(readinessQuery);
  const [chosen, setChosen] = useState<readonly string[] | null>(null);
  const [promoting, setPromoting] = useState<Model | null>(null);
  const models = data?.items ?? [];
  const compared = comparedOf(models, chosen);
  return (
    <Page
      title="Models"
      lead={status && <Waiting status={status} />}
      actions={
        <>
          <LabelSetChoice />
          <Train labelSet={name} />
        </>
      }
    >
      {error && (
        <div className="mb-4">
          <ServiceProblem error={error} />
        </div>
      )}
      {isPending && !error && <Skeleton label="Loading the versions" />}
      {data && models.length === 0 && (
        <Notice title="No model yet">
          Import a series, auto-label it or annotate, then train. The first model that finds anything goes live by
          itself.{" "}
          <Link href="/series" className="underline">
            Series
          </Link>
        </Notice>
      )}
      {models.length > 0 && (
        <div className="space-y-5">
          <Card>
            <ul className="divide-y divide-line">
              {models.map((model) => (
                <Version
                  key={model.version}
                  model={model}
                  labelSet={name}
                  tracked={readiness?.mlflow === "ok"}
                  compared={compared.includes(model)}
                  full={compared.length >= MOST_COMPARED}
                  onCompare={(wanted) => {
                    const now = compared.map((one) => one.version);
                    setChosen(wanted ? [...now, model.version] : now.filter((one) => one !== model.version));
                  }}
                  onPromote={() => setPromoting(model)}
                />
              ))}
            </ul>
          </Card>
          {compared.length > 0 && (
            <section aria-label="Versions side by side">
              <h2 className="mb-2 font-semibold">Side by side</h2>
              <Card className="overflow-x-auto">
                <CompareTable models={compared} />
              </Card>
            </section>
          )}
        </div>
      )}
      {promoting && (
        <PromoteDialog
          model={promoting}
          labelSet={name}
          revision={status?.revision ?? null}
          onClose={() => setPromoting(null)}
        />
      )}
    </Page>
  );
}

/** The versions to compare: those that were chosen, else the champion and the latest other one; the champion first. */
export function comparedOf(models: readonly Model[], chosen: readonly string[] | null): Model[] {
  const champion = models.filter((model) => model.champion);
  const others = models.filter((model) => !model.champion);
  if (chosen === null) return [...champion, ...others.slice(0, champion.length > 0 ? 1 : 2)];
  return [...champion, ...others].filter((model) => chosen.includes(model.version));
}

function Waiting({ status }: { status: { feedback: { waiting: number; next_retrain_at: string | null } } }) {
  const now = useNow();
  const { waiting, next_retrain_at: at } = status.feedback;
  const seconds = at === null || now === 0 ? null : (Date.parse(at) - now) / 1000;
  const when =
    seconds === null
      ? ""
      : seconds > 1
        ? `; a training begins in ${duration(seconds)}`
        : "; a training is about to begin";
  return (
    <>
      {waiting === 0 ? "No feedback waits" : `${plural(waiting, "piece", "pieces")} of feedback wait to teach`}
      {when}.
    </>
  );
}

function Train({ labelSet }: { labelSet: string }) {
  const train = useTrain(labelSet);
  const { data: job } = useJob(train.data?.job.id ?? null);
  const problem = train.error && asProblem(train.error);
  const busy = train.isPending || (job !== undefined && isActive(job));
  return (
    <>
      <Button look="chosen" disabled={busy || labelSet === ""} onClick={() => train.mutate()}>
        Train now
      </Button>
      {problem && (
        <div className="w-full">
          <Notice look="bad" title="It cannot be trained yet">
            {problem.message}
          </Notice>
        </div>
      )}
      {job && (
        <Card className="w-full min-w-80 p-3">
          <JobProgress job={job} onDismiss={() => train.reset()} />
        </Card>
      )}
    </>
  );
}

function Version({
  model,
  labelSet,
  tracked,
  compared,
  full,
  onCompare,
  onPromote,
}: {
  model: Model;
  labelSet: string;
  tracked: boolean;
  compared: boolean;
  full: boolean;
  onCompare: (wanted: boolean) => void;
  onPromote: () => void;
}) {
  const now = useNow(10_000);
  const unpin = useUnpin(labelSet);
  const { gate, metrics } = model;
  return (
    <li className="grid gap-x-4 gap-y-2 px-4 py-3 md:grid-cols-[minmax(0,1fr)_auto]">
      <div className="min-w-0">
        <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-mono font-semibold">{model.version}</span>
          {model.champion && <Tag look="good">serves</Tag>}
          {model.pinned && (
            <Tag look="warn" title="No training replaces it until it is unpinned">
              pinned
            </Tag>
          )}
          {gate && (
            <Tag look={gate.promote ? "plain" : "bad"}>{gate.promote ? "passed the gate" : "failed the gate"}</Tag>
          )}
          <span className="text-muted text-xs">
            {model.family}, trained {now === 0 ? "" : ago(model.trained_at, now)}
          </span>
        </div>
        <p className="tabular mt-1">
          macro-F1 <span className="font-semibold">{score(metrics?.macro_f1)}</span>{" "}
          <span className="text-muted text-xs">{interval(metrics?.macro_f1_interval)}</span>
          {metrics && metrics.not_measurable.length > 0 && (
            <span className="text-muted text-xs">
              {" "}
              · not measurable: {metrics.not_measurable.map(labelName).join(", ").toLowerCase()}
            </span>
          )}
        </p>
        {gate && (
          <details className="mt-1">
            <summary className="text-muted text-xs">What the gate said</summary>
            <ul className="mt-1 list-disc space-y-0.5 pl-5 text-muted text-sm">
              {gate.reasons.map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          </details>
        )}
      </div>
      <div className="flex flex-wrap items-start gap-2">
        <label className="flex min-h-6 items-center gap-1.5 text-xs">
          <input
            type="checkbox"
            className="size-4"
            checked={compared}
            disabled={!compared && full}
            onChange={(event) => onCompare(event.target.checked)}
          />
          compare<span className="sr-only"> {model.version}</span>
        </label>
        {model.tracking_url && tracked && (
          <a
            href={model.tracking_url}
            target="_blank"
            rel="noreferrer"
            className="inline-flex min-h-6 items-center px-1 text-human text-xs underline"
          >
            MLflow<span className="sr-only"> page of {model.version}, in a new tab</span>
          </a>
        )}
        {model.pinned && (
          <Button small disabled={unpin.isPending} onClick={() => unpin.mutate()}>
            Unpin
          </Button>
        )}
        {!model.champion && (
          <Button small onClick={onPromote}>
            {model.served_before ? "Roll back" : "Serve"}
            <span className="sr-only">
              {model.served_before && " to"} {model.version}
            </span>
          </Button>
        )}
      </div>
    </li>
  );
}
