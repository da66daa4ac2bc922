"use client";

import { useEffect, useRef, useState } from "react";

import { Button } from "@/components/ui/button";
import { Kbd } from "@/components/ui/kbd";
import { SHORTCUTS } from "@/features/annotate/keys";
import { setSingleKeys, singleKeysOn } from "@/lib/keymap";

export type KeyGroup = (typeof SHORTCUTS)[number];

/** All keys on one sheet; `first` are those that only this page has. */
export function ShortcutSheet({ first, onClose }: { first?: KeyGroup; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [single, setSingle] = useState(singleKeysOn);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      onClose={onClose}
      aria-labelledby="shortcuts"
      className="w-[min(46rem,94vw)] rounded-lg border border-line bg-raised p-5 shadow-xl backdrop:bg-black/40"
    >
      <div className="mb-3 flex items-center justify-between">
        <h2 id="shortcuts" className="font-bold text-lg">
          Shortcuts
        </h2>
        <Button small look="quiet" onClick={() => dialog.current?.close()}>
          Close <Kbd>Esc</Kbd>
        </Button>
      </div>
      <div className="gap-x-8 sm:columns-2">
        {[...(first ? [first] : []), ...SHORTCUTS].map(({ group, keys }) => (
          <section key={group} className="mb-4 break-inside-avoid">
            <h3 className="mb-1 font-semibold text-muted">{group}</h3>
            <dl className="grid grid-cols-[5.5rem_1fr] gap-y-1 text-sm">
              {keys.map(([key, does]) => (
                <div key={key} className="contents">
                  <dt className="font-mono text-xs leading-6">{key}</dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label className="flex items-center gap-2 text-sm">
        <input
          type="checkbox"
          checked={single}
          onChange={(event) => {
            setSingle(event.target.checked);
            setSingleKeys(event.target.checked);
          }}
        />
        Keys work everywhere on the page (off: only while the chart has the focus)
      </label>
    </dialog>
  );
}
