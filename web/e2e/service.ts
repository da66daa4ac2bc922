import { expect } from "@playwright/test";

export type Row = {
  id: string;
  label: string;
  start_time: string;
  end_time: string;
  origin: string;
  revision: number;
};

const FILE = "application/octet-stream";

/** The service behind the page, asked directly. */
export class Service {
  get url(): string {
    return process.env.E2E_API as string;
  }

  async call<Answer = unknown>(method: string, path: string, body?: unknown, type?: string): Promise<Answer> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: body === undefined ? {} : { "content-type": type ?? "application/json" },
      body: body === undefined ? undefined : type ? String(body) : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text ? JSON.parse(text) : null) as Answer;
  }

  get<Answer>(path: string): Promise<Answer> {
    return this.call<Answer>("GET", path);
  }

  async annotations(seriesId: string, query = ""): Promise<Row[]> {
    return (await this.get<{ items: Row[] }>(`/series/${seriesId}/annotations?limit=1000${query}`)).items;
  }

  /** Import hourly candles of a random walk, always the same for the same name; a series of its own each time. */
  async importSeries(name: string, bars = 600): Promise<string> {
    const id = `${name}-${Date.now().toString(36)}`;
    await this.call("POST", `/series?name=walk.csv&series_id=${id}&symbol=${name}`, csvOf(bars, name), FILE);
    return id;
  }

  /** A label set that no model knows, with one label, "wedge", of any length. */
  async freeLabelSet(): Promise<string> {
    const name = `free-${Date.now().toString(36)}`;
    const label = { name: "wedge", code: "WDG", colour: "#0072B2", hotkey: "1" };
    await this.call("POST", "/label-sets", { name, labels: [label] });
    return name;
  }

  /** Wedges of three bars from these bars on, as if TA-Lib had found them. */
  async foundWedges(seriesId: string, labelSet: string, bars: readonly number[]): Promise<void> {
    const rows = bars.map((bar) => `wedge,${timeOf(bar)},${timeOf(bar + 2)}`);
    const query = `as=talib&format=csv&series_id=${seriesId}&label_set=${labelSet}`;
    await this.call(
      "POST",
      `/annotations/import?${query}`,
      ["label,start_time,end_time", ...rows].join("\n"),
      "text/csv",
    );
  }

  async finished(jobId: string): Promise<void> {
    await expect
      .poll(async () => (await this.get<{ status: string }>(`/jobs/${jobId}`)).status, { timeout: 90_000 })
      .toBe("succeeded");
  }

  /** Wait until no model is trained and none is about to be: another one going live would change what is predicted. */
  async quiet(labelSet = "default"): Promise<void> {
    type Status = { training: unknown; feedback: { next_retrain_at: string | null } };
    const isQuiet = async () => {
      const { training, feedback } = await this.get<Status>(`/label-sets/${labelSet}/status`);
      return training === null && feedback.next_retrain_at === null;
    };
    await expect.poll(isQuiet, { timeout: 90_000 }).toBe(true);
  }

  /** Let TA-Lib and the model look at a series. */
  async labelled(seriesId: string): Promise<void> {
    for (const path of ["/autolabel", "/predict/batch"]) {
      const { job } = await this.call<{ job: { id: string } }>("POST", path, { series: [seriesId] });
      await this.finished(job.id);
    }
  }
}

/** When a bar of an imported random walk opens. */
export function timeOf(bar: number): string {
  return new Date(Date.UTC(2024, 0, 1) + bar * 3_600_000).toISOString();
}

export function csvOf(bars: number, seed: string): string {
  let state = [...seed].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, 7);
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
  const lines = ["time,open,high,low,close,volume"];
  let price = 100;
  for (let bar = 0; bar < bars; bar++) {
    const open = price + (random() - 0.5) * 0.4;
    const close = open + (random() - 0.5) * 2;
    const high = Math.max(open, close) + random();
    const low = Math.min(open, close) - random();
    const figures = [open, high, low, close].map((value) => value.toFixed(4));
    lines.push([timeOf(bar), ...figures, Math.round(1000 * random())].join(","));
    price = Math.max(20, close);
  }
  return `${lines.join("\n")}\n`;
}
