// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";

import { Problem } from "@/api/errors";

import Failed from "./error";

afterEach(cleanup);

it("a page that failed says why in the error's own words, and offers ways on", async () => {
  const reset = vi.fn();
  render(<Failed error={new TypeError("bars is undefined")} reset={reset} />);
  expect(screen.getByText("bars is undefined")).toBeTruthy();
  expect(screen.getByRole("link", { name: "the list of series" }).getAttribute("href")).toBe("/series");
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(reset).toHaveBeenCalledOnce();
});

it("a refusal of the service is shown as its sentence", () => {
  render(<Failed error={new Problem(404, { detail: "There is no series x." })} reset={() => undefined} />);
  expect(screen.getByText("There is no series x.")).toBeTruthy();
});

it("an error of the page's server names where its log says more", () => {
  const error = Object.assign(new Error("An error occurred in the Server Components render."), { digest: "123456" });
  render(<Failed error={error} reset={() => undefined} />);
  expect(screen.getByText(/its log has more under 123456/)).toBeTruthy();
});
