// One request, and what its answer means.

import { Failure } from "glovebox";

const SHOWN_MAX = 500;

export interface Page {
  value: unknown;
  /** The address of the next page, from the `Link` header. */
  next?: string;
}

/** Asks for JSON. The token, if there is one, goes into the `Authorization` header. */
export async function request(url: URL, token: string | undefined): Promise<Page> {
  const headers: Record<string, string> = { accept: "application/json", "user-agent": "glovebox-json-api" };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  let response: Response;
  try {
    response = await fetch(url, { headers });
  } catch (error) {
    throw new Failure(`no answer from ${url.host}: it was not granted to this tool, or nobody answers there (${error})`);
  }
  const text = await response.text();
  if (!response.ok) throw new Failure(`${url} answered ${response.status}${hint(response)}: ${cut(text)}`);
  try {
    return { value: JSON.parse(text), next: nextLink(response.headers.get("link"), url) };
  } catch {
    throw new Failure(`${url} answered with something that is not JSON: ${cut(text)}`);
  }
}

function hint(response: Response): string {
  switch (response.status) {
    case 401:
    case 403:
      return " (the token is missing, wrong or may not do this)";
    case 404:
      return " (there is no such thing at this address)";
    case 429:
      return ` (too many requests; try again after ${response.headers.get("retry-after") ?? "a while"})`;
    default:
      return response.status >= 300 && response.status < 400
        ? ` (it moved to ${response.headers.get("location")}; ask there)`
        : "";
  }
}

function nextLink(header: string | null, base: URL): string | undefined {
  for (const part of header?.split(/,\s*(?=<)/) ?? []) {
    const match = /^<([^>]*)>.*;\s*rel="?next"?/.exec(part);
    if (match) return new URL(match[1], base).href;
  }
  return undefined;
}

function cut(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text || "(nothing)";
}
