// Files of the sandbox. Paths are absolute or start at /workspace; only mounts that were wished for and granted are there.

import { getDirectories } from "wasi:filesystem/preopens@0.2.12";
import { Failure } from "./failure.js";

const READ_BYTES = 1n << 20n;
const WRITE_BYTES = 1 << 20;
const FOLLOW = { symlinkFollow: true };

/** A file's bytes. */
export function readBytes(path) {
  return attempt("read", path, () => {
    const file = open(path, {}, { read: true });
    const chunks = [];
    let length = 0;
    for (let end = false; !end; ) {
      let chunk;
      [chunk, end] = file.read(READ_BYTES, BigInt(length));
      chunks.push(chunk);
      length += chunk.length;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  });
}

/** A file's text; it has to be UTF-8. */
export function readText(path) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readBytes(path));
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`cannot read ${path}: it is not UTF-8 text`);
  }
}

/** Writes a whole file, text or bytes, in place of what was there. */
export function write(path, data) {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  attempt("write", path, () => {
    const file = open(path, { create: true, truncate: true }, { write: true });
    for (let at = 0; at < bytes.length; ) {
      at += Number(file.write(bytes.subarray(at, at + WRITE_BYTES), BigInt(at)));
    }
  });
}

/** The names in a folder, sorted, each with its type: `file`, `directory`, `symlink` or another. */
export function list(path) {
  return attempt("list", path, () => {
    const entries = [];
    const stream = open(path, { directory: true }, { read: true }).readDirectory();
    for (let entry; (entry = stream.readDirectoryEntry()); ) {
      const type = { "regular-file": "file", "symbolic-link": "symlink" }[entry.type] ?? entry.type;
      entries.push({ name: entry.name, type });
    }
    return entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  });
}

/** What is there: `{type, size}`, or nothing. */
export function stat(path) {
  const [directory, rest] = locate(path);
  try {
    const found = directory.statAt(FOLLOW, rest);
    return { type: found.type === "regular-file" ? "file" : found.type, size: Number(found.size) };
  } catch {
    return undefined;
  }
}

/** Makes a folder and those above it. */
export function makeDirectory(path) {
  const [directory, rest] = locate(path);
  const parts = rest.split("/");
  for (let count = 1; count <= parts.length; count += 1) {
    const folder = parts.slice(0, count).join("/");
    try {
      directory.createDirectoryAt(folder);
    } catch (error) {
      if (code(error) !== "exist") throw failed("make", path, error);
    }
  }
}

/** Removes a file. */
export function remove(path) {
  const [directory, rest] = locate(path);
  attempt("remove", path, () => directory.unlinkFileAt(rest));
}

function open(path, openFlags, flags) {
  const [directory, rest] = locate(path);
  return directory.openAt(FOLLOW, rest, openFlags, flags);
}

/** The preopened folder that holds the path, and the path in it. */
function locate(path) {
  const absolute = normalise(path);
  let best;
  for (const [directory, at] of getDirectories()) {
    const root = at.endsWith("/") ? at : `${at}/`;
    if (`${absolute}/`.startsWith(root) && (!best || root.length > best.root.length)) best = { directory, root };
  }
  if (!best) throw new Failure(`cannot reach ${path}: this tool was not granted any folder that holds it`);
  return [best.directory, absolute.slice(best.root.length) || "."];
}

function normalise(path) {
  const parts = [];
  for (const part of (path.startsWith("/") ? path : `/workspace/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

const code = (error) => error?.payload ?? error;

function attempt(what, path, action) {
  try {
    return action();
  } catch (error) {
    throw error instanceof Failure ? error : failed(what, path, error);
  }
}

function failed(what, path, error) {
  const words = { "no-entry": "no such file or folder", access: "not allowed", "not-permitted": "not allowed" };
  return new Failure(`cannot ${what} ${path}: ${words[code(error)] ?? code(error)}`);
}
