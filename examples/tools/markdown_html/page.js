// The page around what was rendered.

const STYLE = `
body { font: 16px/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1f2328; }
h1, h2 { border-bottom: 1px solid #d1d9e0; padding-bottom: .3em; }
pre { background: #f6f8fa; padding: 1rem; overflow: auto; border-radius: 6px; }
code { font: 85%/1.45 ui-monospace, monospace; }
table { border-collapse: collapse; }
th, td { border: 1px solid #d1d9e0; padding: .4em .8em; }
blockquote { margin: 0; padding: 0 1em; color: #59636e; border-left: .25em solid #d1d9e0; }
img { max-width: 100%; }
`;

// Says to the browser as well that nothing in the page may run.
const POLICY = "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'";

/** A whole page. `body` is HTML, `title` is text. */
export function page(title, body) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
${body}</body>
</html>
`;
}

function escape(text) {
  return text.replace(/[&<>"]/g, (each) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[each]);
}
