// A small JSONPath: `$`, `.name`, `["name"]`, `[3]`, `[-1]`, `[*]`, `.*` and `[?name=="value"]`. No scripts.

import { InvalidInput } from "glovebox";

type Step =
  | { kind: "name"; name: string }
  | { kind: "index"; index: number }
  | { kind: "all" }
  | { kind: "where"; name: string; value: unknown };

const STEP = new RegExp(
  [
    String.raw`\.?\*`,
    String.raw`\[\*\]`,
    String.raw`\[(?<index>-?\d+)\]`,
    String.raw`\[(?<quoted>"(?:[^"\\]|\\.)*")\]`,
    String.raw`\[\?(?<field>[\w-]+)==(?<value>"(?:[^"\\]|\\.)*"|[\w.+-]+)\]`,
    String.raw`\.?(?<name>[\w-]+)`,
  ].join("|"),
  "y",
);

/** Everything that the path selects, in order. */
export function select(value: unknown, path: string): unknown[] {
  return parse(path).reduce<unknown[]>((found, step) => found.flatMap((each) => apply(step, each)), [value]);
}

/** Whether the path may select several values. */
export function isMany(path: string): boolean {
  return parse(path).some((step) => step.kind === "all" || step.kind === "where");
}

function parse(path: string): Step[] {
  const steps: Step[] = [];
  STEP.lastIndex = path.startsWith("$") ? 1 : 0;
  while (STEP.lastIndex < path.length) {
    const at = STEP.lastIndex;
    const match = STEP.exec(path);
    if (!match) throw new InvalidInput(`the path ${path} cannot be read from ${JSON.stringify(path.slice(at))} on`);
    const { index, quoted, field, value, name } = match.groups ?? {};
    if (index !== undefined) steps.push({ kind: "index", index: Number(index) });
    else if (quoted !== undefined) steps.push({ kind: "name", name: JSON.parse(quoted) });
    else if (field !== undefined) steps.push({ kind: "where", name: field, value: literal(value, path) });
    else if (name !== undefined) steps.push({ kind: "name", name });
    else steps.push({ kind: "all" });
  }
  return steps;
}

function literal(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidInput(`the path ${path} compares with ${text}, which is no JSON value; strings need quotes`);
  }
}

function apply(step: Step, value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  const record = value as Record<string, unknown>;
  switch (step.kind) {
    case "name":
      return Object.hasOwn(record, step.name) ? [record[step.name]] : [];
    case "index": {
      const found = Array.isArray(value) ? value.at(step.index) : undefined;
      return found === undefined ? [] : [found];
    }
    case "all":
      return Object.values(record);
    case "where":
      return Object.values(record).filter(
        (each) => typeof each === "object" && each !== null && (each as Record<string, unknown>)[step.name] === step.value,
      );
  }
}
