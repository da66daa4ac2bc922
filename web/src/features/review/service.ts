import { type Answered, api, type Schemas, unwrap } from "@/api/client";

export type ReviewItem = Answered<"ReviewItemView">;
export type ReviewFacts = Answered<"ReviewPage">;
export type Completed = Answered<"CompletedItem">;

const HOLDER = "candleloop.holder";

/** Who takes items on this machine: a random name, so that two browsers never count as one person. */
export function holder(): string {
  try {
    const known = localStorage.getItem(HOLDER);
    if (known) return known;
    const made = `page-${crypto.randomUUID()}`;
    localStorage.setItem(HOLDER, made);
    return made;
  } catch {
    return ANONYMOUS;
  }
}

const ANONYMOUS = `page-${typeof crypto === "undefined" ? "server" : crypto.randomUUID()}`;

export type Wish = { readonly labelSet: string; readonly strategy: string | null };

/** What comes next; takes nothing. */
export function peek({ labelSet, strategy }: Wish, limit: number): Promise<ReviewFacts> {
  const query = { label_set: labelSet, limit, holder: holder(), ...(strategy ? { strategy } : {}) };
  return unwrap(api.GET("/review/next", { params: { query } }));
}

export function lease(item: string): Promise<ReviewItem> {
  return unwrap(api.POST("/review/{item}/lease", { params: { path: { item } }, body: { holder: holder() } }));
}

export function complete(item: string, seconds: number, skipped: boolean): Promise<Completed> {
  return unwrap(
    api.POST("/review/{item}/complete", {
      params: { path: { item } },
      body: { holder: holder(), seconds, skipped },
    }),
  );
}

/** Take back that an item's bars were reviewed. */
export async function takeBack(seriesId: string, reviewedId: string): Promise<void> {
  await unwrap(
    api.DELETE("/series/{series_id}/reviewed/{range_id}", {
      params: { path: { series_id: seriesId, range_id: reviewedId } },
    }),
  );
}

/** Strategies by the question they answer; the first is that of the configuration. */
export const STRATEGIES: readonly { readonly name: Schemas["ReviewReason"]["strategy"]; readonly means: string }[] = [
  { name: "", means: "as configured" },
  { name: "balanced_margin", means: "rare labels first" },
  { name: "margin", means: "where the model hesitates" },
  { name: "least_confidence", means: "where it is least sure" },
  { name: "entropy", means: "where much seems possible" },
  { name: "committee", means: "where two models disagree" },
  { name: "disagreement_first", means: "where marks and model differ" },
  { name: "mismatch_first", means: "unlike anything reviewed" },
  { name: "random", means: "at random" },
  { name: "sequential", means: "in the order of time" },
];
