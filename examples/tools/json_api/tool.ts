// Reads a JSON API, with a token that neither the model nor this tool ever sees.

import { Failure, InvalidInput, json, type Context, type Tool } from "glovebox";
import { request } from "./request.ts";
import { isMany, select } from "./select.ts";

interface Input {
  url: string;
  query?: Record<string, string | number | boolean>;
  select: string;
  next?: string;
  pages_max: number;
  authorize: boolean;
}

const tool: Tool<Input> = {
  name: "json_api",
  description:
    "Reads a JSON API with GET and answers with the part of it that `select` names. " +
    "Follows pages by the `Link` header, or by the address or cursor that `next` selects. " +
    "The API's token is added to the request by the host; you neither need nor get it.",
  inputSchema: {
    type: "object",
    properties: {
      url: { type: "string", description: "The address, for example https://api.example.com/v1/orders." },
      query: { type: "object", description: "Parameters to add to the address.", additionalProperties: true },
      select: {
        type: "string",
        default: "$",
        description: 'Which part of the answer: $.items[*].name, $.data[0], $["odd name"], $.items[?state=="open"].id.',
      },
      next: {
        type: "string",
        description:
          "Where an answer says how to get the next page: $.next selects an address, or cursor=$.meta.cursor a value " +
          "for the parameter `cursor`.",
      },
      pages_max: { type: "integer", minimum: 1, maximum: 50, default: 1, description: "Pages to read at most." },
      authorize: { type: "boolean", default: true, description: "false: send no token." },
    },
    required: ["url"],
    additionalProperties: false,
  },
  effects: "none",
  wishes: { hosts: ["*"], secrets: ["API_TOKEN"] },

  async run(input, context) {
    const token = input.authorize ? context.secret("API_TOKEN") : undefined;
    const found: unknown[] = [];
    let pages = 0;
    let url: URL | undefined = address(input);
    while (url && pages < input.pages_max && !context.cancelled()) {
      if (pages > 0) report(context, pages, input.pages_max);
      const page = await request(url, token);
      found.push(...select(page.value, input.select));
      pages += 1;
      url = nextAddress(url, page.value, input.next) ?? (page.next === undefined ? undefined : follow(page.next, url));
    }
    if (found.length === 0) throw new Failure(`${input.select} selects nothing in the answer; select $ shows all of it`);
    const more = url ? [`There are more pages; raise pages_max above ${pages}.`] : [];
    return [json(found.length === 1 && !isMany(input.select) ? found[0] : found), ...more];
  },
};

export default tool;

function address({ url, query }: Input): URL {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new InvalidInput(`url is not an address: ${url}`);
  }
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:") {
    throw new InvalidInput(`url has to start with https:// or http://: ${url}`);
  }
  for (const [name, value] of Object.entries(query ?? {})) parsed.searchParams.set(name, String(value));
  return parsed;
}

/** What `next` selects: an address, or a value for a parameter of this one. */
function nextAddress(current: URL, value: unknown, next: string | undefined): URL | undefined {
  if (next === undefined) return undefined;
  const [, parameter, path] = /^(?:([\w.-]+)=)?(\$.*)$/.exec(next) ?? [];
  if (path === undefined) throw new InvalidInput("next has to be a path such as $.next, or cursor=$.meta.cursor");
  const [target] = select(value, path);
  if (target === undefined || target === null || target === "") return undefined;
  if (parameter === undefined) return follow(String(target), current);
  const url = new URL(current);
  url.searchParams.set(parameter, String(target));
  return url;
}

/** The next page's address. It has to be on the same server: the token is not for another. */
function follow(target: string, current: URL): URL {
  const url = new URL(target, current);
  if (url.origin !== current.origin) throw new Failure(`the next page is on another server, ${url.origin}; not followed`);
  return url;
}

function report(context: Context, pages: number, pagesMax: number): void {
  context.progress(`read ${pages} pages`, pages / pagesMax);
}
