import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { back, EMPTY, forth, type History, record, without } from "@/features/annotations/history";

const written = (entries: number[]) => entries.reduce<History<number>>(record, EMPTY);

describe("history", () => {
  it("gives everything back in reverse, however much there is, and forth again", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 300 }), (entries) => {
        let history = written(entries);
        const undone: number[] = [];
        for (let step = back(history); step !== null; step = back(history)) {
          undone.push(step[0]);
          history = step[1];
        }
        expect(undone).toEqual(entries.toReversed());
        for (let step = forth(history); step !== null; step = forth(history)) history = step[1];
        expect(history).toEqual(written(entries));
      }),
    );
  });

  it("forgets what was undone as soon as something new is done", () => {
    const [, earlier] = back(written([1, 2])) ?? [];
    expect(earlier && record(earlier, 3)).toEqual({ past: [1, 3], future: [] });
  });

  it("takes out what does not hold, before and after", () => {
    const [, halfway] = back(written([1, 2, 1, 2])) ?? [];
    expect(halfway && without(halfway, (entry) => entry === 2)).toEqual({ past: [1, 1], future: [] });
  });
});
