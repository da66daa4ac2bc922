"use client";

import { type FormEvent, useState } from "react";

import { asProblem } from "@/api/errors";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { TextField } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";

import { type Model, usePromote } from "./service";

/** Ask before another version serves: what the gate said, and why in spite of it. */
export function PromoteDialog({
  model,
  labelSet,
  revision,
  onClose,
}: {
  model: Model;
  labelSet: string;
  revision: number | null;
  onClose: () => void;
}) {
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState(false);
  const promote = usePromote(labelSet);
  const back = model.served_before;
  const override = !back && model.gate?.promote !== true;
  const problem = promote.error && asProblem(promote.error);
  const missing = override && reason.trim() === "";

  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (missing) return;
    promote.mutate(
      { version: model.version, override, reason: reason.trim() || null, revision },
      { onSuccess: ({ warnings }) => warnings.length === 0 && onClose() },
    );
  }

  return (
    <Dialog title={back ? `Roll back to ${model.version}` : `Serve ${model.version}`} onClose={onClose}>
      <form onSubmit={submit} className="space-y-4" noValidate>
        {override ? (
          <Notice look="warn" title="The gate said no">
            <ul className="list-disc pl-4">
              {model.gate?.reasons.map((one) => <li key={one}>{one}</li>) ?? (
                <li>What it said is in a form that is not known any more.</li>
              )}
            </ul>
          </Notice>
        ) : (
          <p className="text-muted">
            {back
              ? "It has served before. Rolling back pins it: no training replaces it until it is unpinned."
              : "It passed the gate. Every process serves it within a second, and stored predictions are made again."}
          </p>
        )}
        <TextField
          label={override ? "Why it shall serve all the same" : "Why (for the history)"}
          value={reason}
          required={override}
          onChange={(event) => setReason(event.target.value)}
          problem={tried && missing ? "Say why the gate is overruled." : undefined}
        />
        {problem && (
          <Notice look="bad">
            {problem.code === "champion_moved"
              ? "Another version went live meanwhile. Close this and look at the versions again."
              : problem.message}
          </Notice>
        )}
        {promote.data?.warnings.map((warning) => (
          <Notice key={warning} look="warn" title="It serves now, but">
            {warning}
          </Notice>
        ))}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{promote.data ? "Close" : "Cancel"}</Button>
          {!promote.data && (
            <Button type="submit" look={override ? "danger" : "chosen"} disabled={promote.isPending}>
              {back ? "Roll back" : override ? "Serve it all the same" : "Serve it"}
            </Button>
          )}
        </div>
      </form>
    </Dialog>
  );
}
