// Turns Markdown into one HTML page that needs nothing else and holds nothing that runs.

import { InvalidInput } from "glovebox";
import MarkdownIt from "markdown-it";
import { page } from "./page.js";

// HTML in the Markdown is shown as text, so nothing of it has to be cleaned. Of links, markdown-it itself refuses
// `javascript:`, `vbscript:`, `file:` and `data:` other than images.
const markdown = new MarkdownIt({ html: false, linkify: false, typographer: false });

markdown.renderer.rules.link_open = (tokens, index, options, environment, renderer) => {
  tokens[index].attrSet("rel", "noopener noreferrer nofollow");
  return renderer.renderToken(tokens, index, options);
};

/** @type {import("glovebox").Tool<{markdown?: string, path?: string, output?: string, title?: string, images: string}>} */
export default {
  name: "markdown_html",
  description:
    "Turns Markdown, given as text or as a file of the workspace, into a standalone HTML page with a plain style sheet. " +
    "Nothing in the page runs: HTML in the Markdown is shown as text, and unsafe links are dropped. " +
    "Writes the page to `output`, or answers with it.",
  inputSchema: {
    type: "object",
    properties: {
      markdown: { type: "string", description: "The Markdown itself. Give this or path." },
      path: { type: "string", description: "A Markdown file in the workspace." },
      output: { type: "string", description: "Where to write the page, for example report.html; without it, it is the answer." },
      title: { type: "string", description: "The page's title; without it, the first heading." },
      images: {
        enum: ["keep", "drop"],
        default: "keep",
        description: "drop: images become their alternative text, so that opening the page asks no other server.",
      },
    },
    additionalProperties: false,
  },
  effects: "files",
  wishes: { mounts: [{ path: "/workspace", access: "write" }] },

  run({ markdown: given, path, output, title, images }, { files, progress }) {
    if ((given === undefined) === (path === undefined)) throw new InvalidInput("give either markdown or path");
    const source = given ?? files.readText(path);
    progress(`${source.length} characters of Markdown`);
    const tokens = markdown.parse(source, {});
    if (images === "drop") dropImages(tokens);
    const html = page(title ?? firstHeading(tokens) ?? "Untitled", markdown.renderer.render(tokens, markdown.options, {}));
    if (output === undefined) return html;
    files.write(output, html);
    return `wrote ${new TextEncoder().encode(html).length} bytes to ${output}`;
  },
};

function dropImages(tokens) {
  for (const token of tokens) {
    if (token.type === "image") {
      token.type = "text";
      token.children = null;
    }
    if (token.children) dropImages(token.children);
  }
}

function firstHeading(tokens) {
  const index = tokens.findIndex((token) => token.type === "heading_open");
  return index < 0 ? undefined : tokens[index + 1].content;
}
