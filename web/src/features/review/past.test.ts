import { beforeEach, expect, test } from "vitest";

import { loadPast, type Past, pace, savePast, withoutPast, withPast } from "./past";

function past(id: string, seconds: number, skipped = false): Past {
  const item = { id } as Past["item"];
  return { item, seconds, skipped, reviewedId: skipped ? null : `range-${id}`, revealed: [] };
}

test("the latest is in front and an item is in the list once", () => {
  const all = withPast(withPast(withPast([], past("a", 1)), past("b", 2)), past("a", 3));
  expect(all.map((one) => [one.item.id, one.seconds])).toEqual([
    ["a", 3],
    ["b", 2],
  ]);
  expect(withoutPast(all, "a").map((one) => one.item.id)).toEqual(["b"]);
});

test("the pace is the median of what was done, without what was skipped", () => {
  expect(pace([])).toEqual({ done: 0, skipped: 0, seconds: null });
  const all = [past("a", 4), past("b", 100), past("c", 6), past("d", 1, true)];
  expect(pace(all)).toEqual({ done: 3, skipped: 1, seconds: 6 });
});

test("no more than two hundred are kept", () => {
  let all: readonly Past[] = [];
  for (let number = 0; number < 250; number++) all = withPast(all, past(String(number), 1));
  expect(all.length).toBe(200);
  expect(all[0]?.item.id).toBe("249");
});

beforeEach(() => {
  const kept = new Map<string, string>();
  Object.assign(globalThis, {
    sessionStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    },
  });
});

test("the list survives a reload, each label set with its own", () => {
  savePast("default", [past("a", 2)]);
  expect(loadPast("default").map((one) => one.item.id)).toEqual(["a"]);
  expect(loadPast("other")).toEqual([]);
  sessionStorage.setItem("candleloop.review-past.default", "{broken");
  expect(loadPast("default")).toEqual([]);
});
