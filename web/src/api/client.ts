import createClient from "openapi-fetch";

import { problemOf } from "@/api/errors";
import type { components, paths } from "@/api/schema";

export type Schemas = components["schemas"];

/** A schema as answers have it: the client hands pairs on as lists. */
export type Answered<Name extends keyof Schemas> = AsLists<Schemas[Name]>;

type AsLists<Value> = Value extends readonly (infer Item)[]
  ? AsLists<Item>[]
  : Value extends object
    ? { [Key in keyof Value]: AsLists<Value[Key]> }
    : Value;

/** The service through this app's own server; paths and types are those of the OpenAPI document. */
export const api = createClient<paths>({
  baseUrl: "/api",
  fetch: (request) => globalThis.fetch(request),
});

type Call<Data> = { data?: Data; error?: unknown; response: Response };

/** Return what a call answered, or throw its problem. */
export async function unwrap<Data>(call: Promise<Call<Data>>): Promise<Data> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemOf(response.status, error);
  return data as Data;
}

/** As {@link unwrap}, with the headers. */
export async function unwrapWithHeaders<Data>(call: Promise<Call<Data>>): Promise<{ data: Data; headers: Headers }> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemOf(response.status, error);
  return { data: data as Data, headers: response.headers };
}
