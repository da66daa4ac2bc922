import { expect, test } from "./support";

test("a page comes to life as the server made it, whatever of the service's state it knows by then", async ({
  page,
}) => {
  const errors: string[] = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(error.message));
  const slow = await page.context().newCDPSession(page);
  await slow.send("Emulation.setCPUThrottlingRate", { rate: 6 });
  // The Models page asks for that state as the top bar does, whose own code comes later: who is first differs.
  for (let time = 0; time < 8; time++) {
    await page.goto(`${process.env.E2E_WEB}/models`, { waitUntil: "load" });
    await expect(page.getByRole("status").getByText(/^online/)).toBeVisible();
  }
  expect(errors).toEqual([]);
});
