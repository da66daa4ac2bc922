"use client";

import { type ReactNode, useEffect, useId, useRef } from "react";

import { Button } from "./button";

/** A question that must be answered first; the browser keeps the focus inside and gives it back. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    if (element && !element.open) element.showModal();
    return () => {
      element?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      className="w-[min(34rem,calc(100vw-2rem))] rounded-lg border border-line-strong bg-raised p-0 shadow-xl backdrop:bg-black/40"
    >
      <div className="flex items-center gap-3 border-line border-b px-4 py-3">
        <h2 id={id} className="flex-1 font-semibold">
          {title}
        </h2>
        <Button small look="quiet" aria-label="Close" onClick={onClose}>
          ✕
        </Button>
      </div>
      <div className="p-4">{children}</div>
    </dialog>
  );
}
