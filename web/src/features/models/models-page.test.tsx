// @vitest-environment jsdom
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import { LABEL_SET, pages, service, show } from "@/lib/page-in-tests";

import { comparedOf, ModelsPage } from "./models-page";
import type { Model } from "./service";

pages();

const label = (name: string, f1: number) => ({
  label: name,
  f1,
  precision: f1,
  recall: f1,
  support: 40,
  f1_interval: [f1 - 0.1, f1],
});
const model = (version: string, change: object = {}): Model =>
  ({
    version,
    registry_version: "2",
    run_id: "r",
    family: "xgboost",
    label_set: "default",
    trained_at: "2026-11-25T10:00:00Z",
    snapshot: "s",
    champion: false,
    pinned: false,
    served_before: false,
    job_id: null,
    tracking_url: `http://localhost:5000/#/models/candleloop-default/versions/${version}`,
    metrics: { macro_f1: 0.8, macro_f1_interval: [0.7, 0.9], not_measurable: [], labels: [label("hammer", 0.8)] },
    gate: { promote: true, reasons: ["Event macro-F1 0.800 against 0.700."] },
    ...change,
  }) as unknown as Model;

const CHAMPION = model("aaaaaaaaaaaa", { champion: true, served_before: true });
const FAILED = model("bbbbbbbbbbbb", { gate: { promote: false, reasons: ["hammer falls from 0.9 to 0.5."] } });
const OLD = model("cccccccccccc", { served_before: true });

const page = (models: Model[], more: object = {}) =>
  service({
    "GET /label-sets": [LABEL_SET],
    "GET /label-sets/default/status": {
      body: {
        label_set: "default",
        champion: "aaaaaaaaaaaa",
        revision: 7,
        feedback: { waiting: 3, next_retrain_at: null },
      },
    },
    "GET /readyz": { body: { status: "ready", mlflow: "ok" } },
    "GET /models": models,
    ...more,
  });

it("says before there is a model how to get one", async () => {
  page([]);
  show(<ModelsPage />);
  expect(await screen.findByText("No model yet")).toBeDefined();
  expect(await screen.findByText(/3 pieces of feedback wait to teach/)).toBeDefined();
});

it("says why nothing can be trained yet", async () => {
  const user = userEvent.setup();
  const detail = "No label has 10 spans to learn from outside the test bars.";
  page([], { "POST /train": { status: 409, body: { code: "too_few_labels", detail } } });
  show(<ModelsPage />);
  const button = await screen.findByRole("button", { name: "Train now" });
  await waitFor(() => expect((button as HTMLButtonElement).disabled).toBe(false));
  await user.click(button);
  expect(await screen.findByText("It cannot be trained yet")).toBeDefined();
  expect(screen.getByTestId("alarm").textContent).toBe(detail);
});

it("puts versions side by side, the one that serves first, and links to MLflow when it answers", async () => {
  page([FAILED, CHAMPION, OLD]);
  show(<ModelsPage />);
  const table = await screen.findByRole("table");
  const heads = within(table).getAllByRole("columnheader").slice(1);
  expect(heads.map((head) => head.textContent?.slice(0, 12))).toEqual(["aaaaaaaaaaaa", "bbbbbbbbbbbb"]);
  expect(within(table).getAllByText("40")).toHaveLength(2);
  expect(await screen.findAllByRole("link", { name: /MLflow/ })).toHaveLength(3);
});

it("hides the links to MLflow while it does not answer", async () => {
  page([CHAMPION], { "GET /readyz": { body: { status: "ready", mlflow: "cannot be reached" } } });
  show(<ModelsPage />);
  await screen.findByText("serves", { selector: "li span" });
  expect(screen.queryByRole("link", { name: /MLflow/ })).toBeNull();
});

it("promotes a version that failed the gate only with a reason", async () => {
  const user = userEvent.setup();
  const { asked } = page([CHAMPION, FAILED], {
    "POST /models/bbbbbbbbbbbb/promote": {
      body: { label_set: "default", version: "bbbbbbbbbbbb", revision: 8, pinned: false, how: "manual", warnings: [] },
    },
  });
  show(<ModelsPage />);
  await user.click(await screen.findByRole("button", { name: "Serve bbbbbbbbbbbb" }));
  const dialog = screen.getByRole("dialog");
  expect(within(dialog).getByText("hammer falls from 0.9 to 0.5.")).toBeDefined();
  await user.click(within(dialog).getByRole("button", { name: "Serve it all the same" }));
  expect(within(dialog).getByText("Say why the gate is overruled.")).toBeDefined();
  await user.type(within(dialog).getByLabelText(/Why it shall serve/), "It finds what matters");
  await user.click(within(dialog).getByRole("button", { name: "Serve it all the same" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(asked.find(({ method }) => method === "POST")?.body).toEqual({
    override: true,
    reason: "It finds what matters",
    expected_revision: 7,
  });
});

it("rolls back without a reason, and says when somebody else was first", async () => {
  const user = userEvent.setup();
  const { answers } = page([CHAMPION, OLD], {
    "POST /models/cccccccccccc/promote": { status: 409, body: { code: "champion_moved", detail: "moved" } },
  });
  show(<ModelsPage />);
  await user.click(await screen.findByRole("button", { name: "Roll back to cccccccccccc" }));
  await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Roll back" }));
  expect(await screen.findByText(/Another version went live meanwhile/)).toBeDefined();
  answers["POST /models/cccccccccccc/promote"] = {
    body: { label_set: "default", version: "cccccccccccc", revision: 8, pinned: true, how: "rollback", warnings: [] },
  };
  await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Roll back" }));
  await waitFor(() => expect(screen.getByTestId("said").textContent).toContain("Rolled back to cccccccccccc"));
});

it("unpins a pinned version", async () => {
  const user = userEvent.setup();
  page([model("aaaaaaaaaaaa", { champion: true, pinned: true })], {
    "DELETE /models/pin": { body: { label_set: "default", version: "aaaaaaaaaaaa", revision: 7, pinned: false } },
  });
  show(<ModelsPage />);
  await user.click(await screen.findByRole("button", { name: "Unpin" }));
  await waitFor(() => expect(screen.getByTestId("said").textContent).toContain("not pinned any more"));
});

it("compares the champion with the latest other version unless somebody chooses", () => {
  expect(comparedOf([FAILED, CHAMPION, OLD], null)).toEqual([CHAMPION, FAILED]);
  expect(comparedOf([FAILED, OLD], null)).toEqual([FAILED, OLD]);
  expect(comparedOf([FAILED, CHAMPION, OLD], ["cccccccccccc"])).toEqual([OLD]);
});

it("shows versions measured in a form that is not known any more without scores", async () => {
  page([model("dddddddddddd", { metrics: null, gate: null })]);
  show(<ModelsPage />);
  expect((await screen.findAllByText("dddddddddddd")).length).toBeGreaterThan(0);
  expect(screen.getAllByText("–").length).toBeGreaterThan(0);
});
