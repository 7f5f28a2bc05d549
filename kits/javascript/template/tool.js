import { Failure } from "glovebox";

/** @type {import("glovebox").Tool<{path: string, longest: number}>} */
export default {
  name: "{{name_snake}}",
  description: "Counts the lines, words and characters of a text file and shows its longest lines.",
  inputSchema: {
    type: "object",
    properties: {
      path: { type: "string", description: "A text file in the workspace, for example notes.txt." },
      longest: {
        type: "integer",
        description: "How many of the longest lines to show.",
        minimum: 0,
        maximum: 20,
        default: 3,
      },
    },
    required: ["path"],
    additionalProperties: false,
  },
  wishes: { mounts: [{ path: "/workspace", access: "read" }] },

  run({ path, longest }, { files }) {
    const text = files.readText(path);
    if (text === "") throw new Failure(`${path} is empty`);
    const lines = text.replace(/\n$/, "").split("\n");
    const words = text.split(/\s+/).filter(Boolean).length;
    const shown = lines.toSorted((one, other) => other.length - one.length).slice(0, longest);
    const counts = `${lines.length} lines, ${words} words, ${text.length} characters`;
    return [counts, ...shown.map((line) => `${line.length}: ${line}`)].join("\n");
  },
};
