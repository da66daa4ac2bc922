import type { ReviewItem } from "@/features/review/service";

/** An item that was finished in this session, as the list of them shows it. */
export type Past = {
  readonly item: ReviewItem;
  readonly seconds: number;
  readonly skipped: boolean;
  /** What to delete to take it back; null when it was skipped. */
  readonly reviewedId: string | null;
  /** What the model finds in it, told after a blind item: label and confidence. */
  readonly revealed: readonly { readonly label: string; readonly confidence: number }[];
};

/** Items that can be opened again. */
export const KEPT = 10;

/** Put what was just finished in front; an item is in the list once. */
export function withPast(all: readonly Past[], one: Past): readonly Past[] {
  return [one, ...all.filter((other) => other.item.id !== one.item.id)].slice(0, 200);
}

export function withoutPast(all: readonly Past[], id: string): readonly Past[] {
  return all.filter((one) => one.item.id !== id);
}

/** How many were finished and how long one took, half of them longer and half shorter. */
export function pace(all: readonly Past[]): {
  readonly done: number;
  readonly skipped: number;
  readonly seconds: number | null;
} {
  const done = all.filter((one) => !one.skipped);
  const seconds = done.map((one) => one.seconds).sort((a, b) => a - b);
  const middle = seconds[Math.floor((seconds.length - 1) / 2)];
  return { done: done.length, skipped: all.length - done.length, seconds: middle ?? null };
}

const KEY = "candleloop.review-past";

export function loadPast(labelSet: string): readonly Past[] {
  try {
    const text = sessionStorage.getItem(`${KEY}.${labelSet}`);
    return text ? (JSON.parse(text) as readonly Past[]) : [];
  } catch {
    return [];
  }
}

export function savePast(labelSet: string, all: readonly Past[]): void {
  try {
    sessionStorage.setItem(`${KEY}.${labelSet}`, JSON.stringify(all));
  } catch {
    // Then the list lasts as long as the page.
  }
}
