import { create } from "zustand";

type Said = { readonly results: string; readonly failures: string };

/** What the two live regions of the page say: results politely, failures at once. */
export const useSaid = create<Said>(() => ({ results: "", failures: "" }));

/** Tell a screen reader what became of something, when it has time. */
export function announce(text: string): void {
  useSaid.setState({ results: text });
}

/** Tell a screen reader at once that something failed. */
export function alarm(text: string): void {
  useSaid.setState({ failures: text });
}
