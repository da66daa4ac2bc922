import type { Op } from "@/features/annotations/types";

/** Where edits wait that the service has not taken, so that closing the page loses none. */
export interface Outbox {
  /** What this page, or one that is closed by now, left to be sent. */
  load(): Promise<Op[]>;
  save(ops: readonly Op[]): void;
}

const PREFIX = "candleloop.outbox";

/**
 * An outbox in the browser's storage.
 *
 * Each open page has its own part of it and holds a lock by that part's name; what nobody holds is taken over, so that two
 * pages never send the same edit.
 */
export function browserOutbox(seriesId: string, labelSet: string): Outbox {
  const folder = `${PREFIX}/${encodeURIComponent(seriesId)}/${labelSet}/`;
  const own = folder + crypto.randomUUID();
  const held = hold(own);

  async function load(): Promise<Op[]> {
    await held;
    const found: Op[] = [];
    for (const name of Object.keys(localStorage).filter((key) => key.startsWith(folder) && key !== own)) {
      if (!(await isAbandoned(name))) continue;
      found.push(...read(name));
      localStorage.removeItem(name);
    }
    if (found.length > 0) save(found);
    return found;
  }

  function save(ops: readonly Op[]): void {
    if (ops.length === 0) localStorage.removeItem(own);
    else localStorage.setItem(own, JSON.stringify(ops));
  }

  return { load, save };
}

/** Hold a lock until this page is closed; resolves as soon as it is held. */
function hold(name: string): Promise<void> {
  if (!navigator.locks) return Promise.resolve();
  return new Promise((held) => {
    void navigator.locks.request(name, () => {
      held();
      return new Promise(() => undefined);
    });
  });
}

async function isAbandoned(name: string): Promise<boolean> {
  if (!navigator.locks) return true;
  return navigator.locks.request(name, { ifAvailable: true }, (lock) => lock !== null);
}

function read(name: string): Op[] {
  try {
    const ops: unknown = JSON.parse(localStorage.getItem(name) ?? "[]");
    return Array.isArray(ops) ? (ops as Op[]) : [];
  } catch {
    return [];
  }
}
