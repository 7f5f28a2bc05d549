// Builds this project's component: `node glovebox/build.mjs` in the project. What is already there is not fetched again, and
// what did not change is not built again: the compiler never makes the same bytes twice.
//
// The compiler lives in the user's cache, for all projects; the packages of package.json in node_modules.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const project = process.cwd();
const glovebox = join(project, "glovebox");
const build = join(project, "build");
const typescript = existsSync(join(project, "tool.ts"));

const toolchain = installToolchain();
installPackages();
if (typescript) run("node", [join(toolchain, "node_modules/typescript/bin/tsc"), "--noEmit", "-p", project]);
await componentize(await bundle());

/** The folder with the compiler, as glovebox/toolchain/package-lock.json pins it. */
function installToolchain() {
  const pinned = join(glovebox, "toolchain");
  const lock = join(pinned, "package-lock.json");
  const cache = process.env.GLOVEBOX_CACHE || join(homedir(), ".cache", "glovebox");
  const home = join(cache, "kits", `javascript-${digest(lock)}`);
  if (!existsSync(join(home, "ready"))) {
    rmSync(home, { recursive: true, force: true });
    mkdirSync(home, { recursive: true });
    for (const file of ["package.json", "package-lock.json"]) copyFileSync(join(pinned, file), join(home, file));
    // Not `npm ci`: some packages name optional ones for other platforms that were never published, and it refuses those.
    run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], home);
    writeFileSync(join(home, "ready"), "");
  }
  return home;
}

/** The packages that the tool itself uses, if there are any. */
function installPackages() {
  const { dependencies = {} } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
  if (Object.keys(dependencies).length === 0) return;
  const lock = join(project, "package-lock.json");
  const stamp = join(project, "node_modules", ".glovebox");
  const wanted = () => digest(join(project, "package.json")) + (existsSync(lock) ? digest(lock) : "");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted()) return;
  const command = existsSync(lock) ? "ci" : "install";
  run("npm", [command, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], project);
  writeFileSync(stamp, wanted());
}

/** One module of the tool, its packages and the adapter. */
async function bundle() {
  mkdirSync(build, { recursive: true });
  const outfile = join(build, "component.js");
  const entry = `
    import tool from "../tool${typescript ? ".ts" : ".js"}";
    import { adapt } from "./glovebox.js";
    const adapted = adapt(tool);
    export { adapted as tool };`;
  const { build: esbuild } = await load("esbuild/lib/main.js");
  await esbuild({
    stdin: { contents: entry, resolveDir: glovebox },
    alias: { glovebox: join(glovebox, "glovebox.js") },
    bundle: true,
    preserveSymlinks: true,
    format: "esm",
    target: "es2022",
    conditions: ["module", "import", "browser"],
    external: ["glovebox:*", "wasi:*"],
    outfile,
    logLevel: "warning",
  }).catch(() => process.exit(1));
  return outfile;
}

/** The component, with a JavaScript engine in it. */
async function componentize(sourcePath) {
  const witPath = join(project, "wit");
  const interfaces = readdirSync(witPath, { recursive: true }).filter((file) => file.endsWith(".wit")).sort();
  const lock = join(glovebox, "toolchain", "package-lock.json");
  const madeOf = digest(sourcePath, lock, ...interfaces.map((file) => join(witPath, file)));
  const [output, stamp] = [join(build, "component.wasm"), join(build, "component.stamp")];
  if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === madeOf) return;
  rmSync(stamp, { force: true });
  const { componentize: make } = await load("@bytecodealliance/componentize-js/src/componentize.js");
  const { component } = await make({
    sourcePath,
    witPath,
    worldName: "javascript-tool",
    disableFeatures: ["fetch-event"],
  });
  writeFileSync(output, component);
  writeFileSync(stamp, madeOf);
}

/** A module of the toolchain. */
async function load(name) {
  return import(pathToFileURL(join(toolchain, "node_modules", name)));
}

function digest(...files) {
  const madeOf = createHash("sha256");
  for (const file of files) madeOf.update(readFileSync(file));
  return madeOf.digest("hex").slice(0, 16);
}

function run(command, parameters, cwd = project) {
  const done = spawnSync(command, parameters, { cwd, stdio: "inherit", shell: process.platform === "win32" });
  if (done.status !== 0) {
    console.error(`failed: ${command} ${parameters.join(" ")}`);
    process.exit(1);
  }
}
