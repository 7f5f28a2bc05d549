// Checks a call's input against the part of JSON Schema that tools use, and fills in defaults.

import { InvalidInput } from "./failure.js";

const KINDS = {
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  array: Array.isArray,
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
};

/** The value with defaults, or `InvalidInput` that names the field. Keywords that are not known here are left to the tool. */
export function check(schema, value, at) {
  const name = at || "the input";
  if (typeof schema !== "object") return value;
  const kinds = [schema.type ?? []].flat();
  if (kinds.length && !kinds.some((kind) => KINDS[kind]?.(value))) {
    throw new InvalidInput(`${name} has to be of type ${kinds.join(" or ")}`);
  }
  if (schema.enum && !schema.enum.includes(value)) {
    throw new InvalidInput(`${name} has to be one of ${schema.enum.map((each) => JSON.stringify(each)).join(", ")}`);
  }
  if (typeof value === "number") checkRange(schema, value, name);
  if (typeof value === "string" && value.length < (schema.minLength ?? 0)) {
    throw new InvalidInput(`${name} is too short: at least ${schema.minLength} characters`);
  }
  if (Array.isArray(value)) {
    return schema.items ? value.map((item, index) => check(schema.items, item, `${at}[${index}]`)) : value;
  }
  return KINDS.object(value) && schema.properties ? checkFields(schema, value, at) : value;
}

function checkRange(schema, value, name) {
  if (value < (schema.minimum ?? -Infinity)) throw new InvalidInput(`${name} has to be at least ${schema.minimum}`);
  if (value > (schema.maximum ?? Infinity)) throw new InvalidInput(`${name} has to be at most ${schema.maximum}`);
}

function checkFields(schema, value, at) {
  const path = (field) => (at ? `${at}.${field}` : field);
  const checked = {};
  for (const field of schema.required ?? []) {
    if (value[field] === undefined) throw new InvalidInput(`the field ${path(field)} is missing`);
  }
  for (const [field, each] of Object.entries(value)) {
    const known = schema.properties[field];
    if (known === undefined && schema.additionalProperties === false) {
      throw new InvalidInput(
        `there is no field ${path(field)}; known are ${Object.keys(schema.properties).join(", ") || "none"}`,
      );
    }
    if (each === null && known && !(schema.required ?? []).includes(field)) continue;
    checked[field] = known === undefined ? each : check(known, each, path(field));
  }
  for (const [field, known] of Object.entries(schema.properties)) {
    if (checked[field] === undefined && known.default !== undefined) checked[field] = known.default;
  }
  return checked;
}
