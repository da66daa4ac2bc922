// @vitest-environment jsdom
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import { AWAY, pages, service, show } from "@/lib/page-in-tests";

import { job } from "./job-in-tests";
import { JobPage } from "./job-page";
import { JobsPage } from "./jobs-page";

pages();

const earlier = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
const running = (change: Parameters<typeof job>[0] = {}) =>
  job({
    status: "running",
    started_at: earlier(100),
    progressed_at: earlier(1),
    progress: { done: 37, total: 120, unit: "series", stage: "predicting" },
    ...change,
  });

it("says that there are no jobs yet, and where they come from", async () => {
  service({ "GET /jobs": [] });
  show(<JobsPage />);
  expect(await screen.findByText("No jobs yet")).toBeDefined();
  expect(screen.getByRole("link", { name: "Series" }).getAttribute("href")).toBe("/series");
});

it("offers to clear filters that hide everything", async () => {
  const user = userEvent.setup();
  service({ "GET /jobs": ({ query }) => ({ body: { items: query.get("kind") ? [] : [job({})], next_cursor: null } }) });
  show(<JobsPage />);
  await user.selectOptions(screen.getByLabelText("Kind"), "train");
  await user.click(await screen.findByRole("button", { name: "Clear filters" }));
  expect(await screen.findByRole("listitem")).toBeDefined();
});

it("shows how far a running job is, and cancels it", async () => {
  const user = userEvent.setup();
  const one = running();
  const { asked } = service({
    "GET /jobs": [one],
    [`DELETE /jobs/${one.id}`]: { body: { job: { ...one, cancel_requested: true } } },
  });
  show(<JobsPage />);
  const bar = await screen.findByRole("progressbar");
  expect(bar.getAttribute("aria-valuenow")).toBe("31");
  expect(screen.getByText("37 of 120 series")).toBeDefined();
  await user.click(screen.getByRole("button", { name: "Cancel" }));
  expect(asked.some(({ method }) => method === "DELETE")).toBe(true);
  await waitFor(() => expect(screen.getByTestId("said").textContent).toContain("it will stop within seconds"));
});

it("says that a job stalls when it has come no further for a minute", async () => {
  service({ "GET /jobs": [running({ progressed_at: earlier(75) })] });
  show(<JobsPage />);
  expect(await screen.findByText("stalled")).toBeDefined();
  expect(screen.getByText(/No progress for 1 min/)).toBeDefined();
});

it("tells why a job failed and what it had done, and tries it again", async () => {
  const user = userEvent.setup();
  const failed = running({ status: "failed", error: { code: "timed_out", message: "It took too long." } });
  const { asked } = service({
    "GET /jobs": [failed],
    [`POST /jobs/${failed.id}/retry`]: { status: 202, body: { job: job({ id: "new" }) } },
  });
  show(<JobsPage />);
  expect(await screen.findByText("It took too long.")).toBeDefined();
  expect(screen.getByText("It had done 37 of 120 series when it failed.")).toBeDefined();
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("button", { name: "Asked again" })).toBeDefined();
  expect(asked.filter(({ path }) => path.endsWith("/retry"))).toHaveLength(1);
});

it("lets a cancelled job be tried again, and the file of a batch be downloaded", async () => {
  const result = {
    file: "x",
    media_type: "x",
    model_version: "ab",
    inputs: 2,
    candles: 9,
    predictions: 3,
    problems: 0,
  };
  const done = job({ id: "done", status: "succeeded", result, result_url: "/jobs/done/result" });
  service({ "GET /jobs": [job({ status: "cancelled" }), done] });
  show(<JobsPage />);
  const [cancelled, finished] = await screen.findAllByRole("listitem");
  expect(within(cancelled as HTMLElement).getByRole("button", { name: "Try again" })).toBeDefined();
  const link = within(finished as HTMLElement).getByRole("link", { name: /Download/ });
  expect(link.getAttribute("href")).toBe("/api/jobs/done/result");
});

it("says when the service is away", async () => {
  service({ "GET /jobs": AWAY });
  show(<JobsPage />);
  expect(await screen.findByText(/does not answer/)).toBeDefined();
});

it("says of an id that nobody knows that there is no such job", async () => {
  service({ "GET /jobs/none": { status: 404, body: { code: "unknown_job", detail: "There is no job 'none'." } } });
  show(<JobPage jobId="none" />);
  expect(await screen.findByText("There is no such job")).toBeDefined();
});
