/** What a tool may use. Nothing stays in memory between two calls. */

/** The tool could not do it. The model reads the message, so say what would help. */
export class Failure extends Error {}
/** The input is not what the tool asks for. Name the field. */
export class InvalidInput extends Failure {}

declare const kind: unique symbol;
/** A piece of an answer. */
export interface Content {
  readonly [kind]: true;
}
export function text(value: string): Content;
/** PNG, JPEG, GIF or WebP. */
export function image(data: Uint8Array, mediaType?: string): Content;
/** A PDF. */
export function document(data: Uint8Array, mediaType?: string): Content;
/** Any JSON value. */
export function json(value: unknown): Content;
/** One hit of a search. */
export function searchHit(source: string, title: string, text: string): Content;

/** What a tool would like to reach. A call gets what is wished for, and granted, and allowed. */
export interface Wishes {
  /** `api.example.com`, `*.example.com` or `*`. */
  hosts?: string[];
  /** Places in the sandbox's tree of files; without any there are no files. */
  mounts?: { path: string; access: "read" | "write" }[];
  programs?: string[];
  secrets?: string[];
  settings?: string[];
  /** Narrower limits than the sandbox's own. */
  limits?: { memory_bytes?: number; cpu_ms?: number; wall_ms?: number; output_bytes?: number };
}

/** Files of the sandbox. Paths are absolute or start at /workspace. */
export interface Files {
  readBytes(path: string): Uint8Array;
  /** The file has to be UTF-8. */
  readText(path: string): string;
  /** Writes a whole file in place of what was there. */
  write(path: string, data: string | Uint8Array): void;
  list(path: string): { name: string; type: string }[];
  stat(path: string): { type: string; size: number } | undefined;
  /** Makes a folder and those above it. */
  makeDirectory(path: string): void;
  remove(path: string): void;
}

/** What the host offers to a running call, besides `fetch`. */
export interface Context {
  files: Files;
  /** Shown to whoever watches; `fraction` is 0 to 1. Never stored, never seen by the model. */
  progress(message: string, fraction?: number): void;
  /** Into the host's log, never to the model. */
  log(message: string, level?: "debug" | "info" | "warn" | "error"): void;
  /** A stand-in for a secret, for the value of a request's header: the host puts the secret in its place. */
  secret(name: string): string;
  setting(name: string): string | undefined;
  /** Whether the caller wants the call to end. Who asks has one second from then to clean up and answer. */
  cancelled(): boolean;
  /** Ends the call after that time, if it did not end sooner; the failure reads `message`. */
  deadline(milliseconds: number, message: string): void;
  /** What this tool left with `storeState` in this session. */
  loadState(): Uint8Array | undefined;
  /** Leaves up to 16 MiB for this tool's next call in this session. */
  storeState(state: Uint8Array): void;
}

/** What a call may answer: text, a JSON value, or pieces of content. */
export type Answer = string | Content | (Content | string)[] | { [key: string]: unknown } | unknown[] | number | boolean | null | undefined;

/** A tool. */
export interface Tool<Input = any> {
  /** What the model calls: 1 to 128 of `A-Z a-z 0-9 _ -`. */
  name: string;
  /** What the model reads: what the tool does, and when to use it. */
  description: string;
  /** JSON Schema of the input. It is checked before `run`, and defaults are filled in. */
  inputSchema: { type: "object"; [key: string]: unknown };
  /** What running it may change: nothing, files of the sandbox, or things outside of it as well. */
  effects?: "none" | "files" | "external";
  wishes?: Wishes;
  run(input: Input, context: Context): Answer | Promise<Answer>;
}
