"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { api, type Schemas, unwrap } from "@/api/client";
import { asProblem } from "@/api/errors";
import { keys } from "@/api/queries";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { TextField } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { classes } from "@/lib/classes";

import { codeOf, emptyLabel, type LabelDraft, labelSetOf, problemsOf } from "./draft";
import { useChosenLabelSet } from "./use-label-set";

/** Describe a new label set. It is frozen once made: what is labelled with it must go on meaning the same. */
export function NewLabelSet({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const choose = useChosenLabelSet((state) => state.choose);
  const [name, setName] = useState("");
  const [drafts, setDrafts] = useState<readonly LabelDraft[]>(() => [emptyLabel(0)]);
  const [tried, setTried] = useState(false);
  const set = labelSetOf(name, drafts);
  const found = tried ? problemsOf(set) : {};
  const create = useMutation({
    mutationFn: (body: Schemas["LabelSet"]) => unwrap(api.POST("/label-sets", { body })),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: keys.labelSets });
      choose(made.name);
      announce(`Label set ${made.name} is there, with ${made.labels.length} labels.`);
      onClose();
    },
  });
  const refusal = create.error && asProblem(create.error);

  function change(key: string, change: Partial<LabelDraft>) {
    setDrafts(drafts.map((one) => (one.key === key ? { ...one, ...change } : one)));
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (Object.keys(problemsOf(set)).length === 0) create.mutate(set);
  }

  return (
    <Dialog title="New label set" onClose={onClose}>
      <form onSubmit={submit} noValidate className="space-y-4">
        <TextField
          label="Name"
          value={name}
          onChange={(event) => setName(event.target.value)}
          placeholder="my-patterns"
          hint="Once made it stays as it is: more labels make another set."
          problem={found.name}
        />
        <fieldset className="space-y-2">
          <legend className="mb-1 font-medium text-xs">Labels, in the order of their keys</legend>
          {drafts.map((draft, position) => (
            <div
              key={draft.key}
              className="grid grid-cols-[2.25rem_1fr_4rem_3rem_4rem_1.75rem] items-start gap-1.5 max-sm:grid-cols-[2.25rem_1fr_1fr_1fr_1.75rem] max-sm:border-line max-sm:border-b max-sm:pb-2"
            >
              <label>
                <span className="sr-only">Colour of label {position + 1}</span>
                <input
                  type="color"
                  value={draft.colour}
                  onChange={(event) => change(draft.key, { colour: event.target.value })}
                  className="h-8 w-9 rounded-md border border-line-strong bg-bg p-0.5"
                />
              </label>
              <Small
                className="max-sm:col-span-4"
                label={`Name of label ${position + 1}`}
                placeholder="Name"
                value={draft.name}
                problem={found[`labels.${position}.name`]}
                onChange={(name) => change(draft.key, { name })}
              />
              <Small
                className="max-sm:col-start-2"
                label={`Code of label ${position + 1}`}
                placeholder={draft.name ? codeOf(draft.name) : "Code"}
                value={draft.code}
                problem={found[`labels.${position}.code`]}
                onChange={(code) => change(draft.key, { code })}
              />
              <Small
                label={`Key of label ${position + 1}`}
                placeholder="Key"
                value={draft.hotkey}
                problem={found[`labels.${position}.hotkey`]}
                onChange={(hotkey) => change(draft.key, { hotkey })}
              />
              <Small
                label={`Bars of label ${position + 1}`}
                placeholder="Bars"
                value={draft.bars}
                problem={found[`labels.${position}.bars`]}
                onChange={(bars) => change(draft.key, { bars })}
              />
              <Button
                look="quiet"
                className="px-1!"
                aria-label={`Remove label ${position + 1}`}
                disabled={drafts.length === 1}
                onClick={() => setDrafts(drafts.filter((one) => one.key !== draft.key))}
              >
                ✕
              </Button>
            </div>
          ))}
          <Button small onClick={() => setDrafts([...drafts, emptyLabel(drafts.length)])}>
            Add a label
          </Button>
          <p className="text-muted text-xs">Bars: how many candles a pattern has, where that is fixed.</p>
        </fieldset>
        {refusal && <Notice look="bad">{refusal.message}</Notice>}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="chosen" disabled={create.isPending}>
            Make the label set
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Small({
  className = "",
  label,
  value,
  placeholder,
  problem,
  onChange,
}: {
  className?: string;
  label: string;
  value: string;
  placeholder: string;
  problem: string | undefined;
  onChange: (value: string) => void;
}) {
  return (
    <div className={classes("min-w-0", className)}>
      <input
        aria-label={label}
        aria-invalid={problem !== undefined}
        value={value}
        placeholder={placeholder}
        onChange={(event) => onChange(event.target.value)}
        className="min-h-8 w-full rounded-md border border-line-strong bg-bg px-2 text-sm aria-[invalid=true]:border-bad"
      />
      {problem && <p className="mt-0.5 text-bad text-xs">{problem}</p>}
    </div>
  );
}
