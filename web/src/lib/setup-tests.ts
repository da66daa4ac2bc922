import { configure } from "@testing-library/react";

// A busy machine is slow; nothing here waits that long on a quiet one.
configure({ asyncUtilTimeout: 20_000 });

// Before anything is imported: what a browser has and jsdom has not.
if (typeof window !== "undefined") {
  globalThis.Request = class extends Request {
    constructor(input: RequestInfo | URL, init?: RequestInit) {
      super(typeof input === "string" ? new URL(input, location.href) : input, init);
    }
  };
  HTMLDialogElement.prototype.showModal = function open() {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function close() {
    this.open = false;
  };
}
