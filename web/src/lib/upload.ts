import { Problem, problemOf } from "@/api/errors";

export type Upload = {
  readonly path: string;
  readonly query: Readonly<Record<string, string | boolean | undefined>>;
  readonly file: Blob;
  readonly onProgress: (share: number) => void;
  readonly signal?: AbortSignal;
};

/**
 * Send a file as it is and return what was answered; throws a `Problem`.
 *
 * `fetch` cannot tell how much of a body is on its way, so this is XMLHttpRequest.
 */
export function upload<Answer>({ path, query, file, onProgress, signal }: Upload): Promise<Answer> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== "") parameters.set(name, String(value));
    }
    request.open("POST", `/api${path}?${parameters}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.responseType = "text";
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      const body = parsed(request.responseText);
      if (request.status >= 200 && request.status < 300) done(body as Answer);
      else failed(problemOf(request.status, body));
    });
    request.addEventListener("error", () =>
      failed(new Problem(0, { code: "offline", detail: "The page cannot reach its own server." })),
    );
    request.addEventListener("abort", () => failed(new Problem(0, { code: "cancelled", detail: "Cancelled." })));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
