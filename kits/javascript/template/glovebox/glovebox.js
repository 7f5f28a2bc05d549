// Adapts this project's tool to the contract `glovebox:tool`. See glovebox.d.ts for what a tool may use.

import * as host from "glovebox:tool/context@0.2.0";
import * as files from "./files.js";
import { Failure, InvalidInput } from "./failure.js";
import { check } from "./schema.js";

export { Failure, InvalidInput };

const KIND = Symbol("content");
const content = (tag, val) => ({ [KIND]: true, tag, val });

/** A block of text. */
export const text = (value) => content("text", value);
/** PNG, JPEG, GIF or WebP. */
export const image = (data, mediaType = "image/png") => content("image", { mediaType, data });
/** A PDF. */
export const document = (data, mediaType = "application/pdf") => content("document", { mediaType, data });
/** Any JSON value. */
export const json = (value) => content("json", JSON.stringify(value ?? null));
/** One hit of a search. */
export const searchHit = (source, title, value) => content("search-result", { source, title, text: value });

const context = {
  files,
  progress: (message, fraction) => host.progress(message, fraction),
  log: (message, level = "info") => host.log(level, String(message)),
  cancelled: () => host.cancelled(),
  deadline: (milliseconds, message) => host.deadline(BigInt(milliseconds), message),
  setting: (name) => host.setting(name),
  loadState: () => host.loadState(),
  storeState: (state) => host.storeState(state),
  secret(name) {
    const standIn = host.secret(name);
    if (standIn === undefined || standIn === null) {
      throw new Failure(
        `this tool was not granted the secret ${name}: its agent's entry has to name it in \`grants.secrets\``,
      );
    }
    return standIn;
  },
};

/** The contract's `tool` interface over what the project's module exports. */
export function adapt(tool) {
  const wishes = tool.wishes ?? {};
  const limit = (name) => (wishes.limits?.[name] === undefined ? undefined : BigInt(wishes.limits[name]));
  return {
    describe: () => ({
      name: tool.name,
      text: tool.description,
      inputSchema: JSON.stringify(tool.inputSchema),
      effects: tool.effects ?? "none",
      wishes: {
        hosts: wishes.hosts ?? [],
        mounts: wishes.mounts ?? [],
        programs: wishes.programs ?? [],
        secrets: wishes.secrets ?? [],
        settings: wishes.settings ?? [],
        limits: {
          memoryBytes: limit("memory_bytes"),
          cpuMs: limit("cpu_ms"),
          wallMs: limit("wall_ms"),
          outputBytes: limit("output_bytes"),
        },
      },
    }),
    async call(input) {
      try {
        return blocks(await tool.run(check(tool.inputSchema, parse(input), ""), context));
      } catch (error) {
        throw failure(error);
      }
    },
  };
}

function parse(input) {
  try {
    return JSON.parse(input);
  } catch (error) {
    throw new InvalidInput(`the input is not JSON: ${error.message}`);
  }
}

function blocks(answer) {
  if (answer === undefined || answer === null) return [];
  const pieces = Array.isArray(answer) && answer.some((piece) => piece?.[KIND]) ? answer : [answer];
  return pieces.map((piece) => {
    if (piece?.[KIND]) return { tag: piece.tag, val: piece.val };
    return typeof piece === "string" ? { tag: "text", val: piece } : { tag: "json", val: JSON.stringify(piece) };
  });
}

function failure(error) {
  if (error instanceof InvalidInput) return { tag: "invalid-input", val: error.message };
  if (!(error instanceof Failure)) host.log("error", `${error}\n${error?.stack ?? ""}`);
  const message = error instanceof Failure ? error.message : String(error);
  return { tag: "failed", val: [{ tag: "text", val: message }] };
}
