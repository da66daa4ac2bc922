// @vitest-environment jsdom
import { screen } from "@testing-library/react";
import { expect, it } from "vitest";

import { type Answer, AWAY, LABEL_SET, pages, service, show } from "@/lib/page-in-tests";

import { ReviewPage } from "./review-page";

pages();

const queue = (answer: Answer) => service({ "GET /label-sets": [LABEL_SET], "GET /review/next": answer });

it("says that the service is away when it does not answer", async () => {
  queue(AWAY);
  show(<ReviewPage />);
  expect(await screen.findByText("The service is away")).toBeDefined();
  expect(screen.getByText(/It may be starting up\. What you marked is kept\./)).toBeDefined();
});

it("says that the service failed when it answers so, and where its log has the cause", async () => {
  const detail = "Something failed inside candleloop. The log has the cause under 7f3a.";
  queue({ status: 500, body: { code: "internal_error", detail } });
  show(<ReviewPage />);
  expect(await screen.findByText("The service failed")).toBeDefined();
  expect(screen.getByText(/The log has the cause under 7f3a\./)).toBeDefined();
});
