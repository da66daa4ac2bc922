import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, vi } from "vitest";

import { LiveRegions } from "@/components/shell/live-regions";

type Call = { method: string; path: string; query: URLSearchParams; body: unknown };
export type Answer = { status?: number; body?: unknown };
type Calls = Record<string, Answer | unknown[] | ((call: Call) => Answer)>;

/** What the service answers in a test, by `GET /path`; everything else is a 404. Returns the calls that were made. */
export function service(calls: Calls): { asked: Call[]; answers: Calls } {
  const asked: Call[] = [];
  const answers = { ...calls };
  vi.stubGlobal("fetch", async (request: Request) => {
    const url = new URL(request.url);
    const text = await request.text();
    const call: Call = {
      method: request.method,
      path: decodeURIComponent(url.pathname.replace(/^\/api/, "")),
      query: url.searchParams,
      body: text === "" ? null : JSON.parse(text),
    };
    asked.push(call);
    const found = answers[`${call.method} ${call.path}`];
    const { status = 200, body = null }: Answer =
      found === undefined
        ? { status: 404, body: { code: "unknown_route", detail: `Nothing answers ${call.method} ${call.path}.` } }
        : typeof found === "function"
          ? found(call)
          : Array.isArray(found)
            ? { body: { items: found, next_cursor: null } }
            : found;
    return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
  });
  return { asked, answers };
}

/** The service does not answer. */
export const AWAY = {
  status: 503,
  body: { code: "service_unreachable", detail: "The candleloop service does not answer. It may be starting up." },
};

export function show(page: ReactNode) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, networkMode: "always" } } });
  return render(
    <QueryClientProvider client={client}>
      {page}
      <LiveRegions />
    </QueryClientProvider>,
  );
}

/** Call once in a file: nothing of a page stays for the next test. */
export function pages(): void {
  afterEach(() => {
    cleanup();
    vi.unstubAllGlobals();
    localStorage.clear();
  });
}

export const LABEL_SET = {
  name: "default",
  champion: "aaaaaaaaaaaa",
  is_default: true,
  labels: [
    { name: "hammer", code: "HMR", colour: "#0072B2", hotkey: "1", bars: 1, talib: null, sign: null },
    { name: "bullish_harami", code: "BHA", colour: "#B34A00", hotkey: "2", bars: 2, talib: null, sign: null },
  ],
};
