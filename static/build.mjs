/** Builds the phone app into dist/: hashed names, the page, the manifest, the service worker that knows them all.
 *
 * `node build.mjs` builds once; `node build.mjs --watch` builds again on every change.
 */

import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const isWatching = process.argv.includes("--watch");

const common = {
  bundle: true,
  minify: true,
  target: ["es2022", "chrome109", "safari16.4", "firefox115"],
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  absWorkingDir: here,
};

async function build() {
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist, { recursive: true });
  const app = await esbuild.build({
    ...common,
    entryPoints: { app: "src/main.tsx" },
    // Every later screen reaches the first one, so what they share is one file and not a dozen small ones.
    inject: ["src/app.tsx"],
    format: "esm",
    splitting: true,
    outdir: "dist/assets",
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    metafile: true,
  });
  const outputs = Object.entries(app.metafile.outputs);
  const entry = outputs.find(([, output]) => output.entryPoint === "src/main.tsx");
  const script = `/${relative("dist", entry[0])}`;
  const style = `/${relative("dist", entry[1].cssBundle)}`;
  const first = outputs.find(([path]) => path === entry[0])[1].imports.filter((part) => part.kind === "import-statement");
  await cp(join(here, "public"), dist, { recursive: true });
  await writeFile(join(dist, "index.html"), await page(script, style, first.map((part) => `/${relative("dist", part.path)}`)));
  await buildWorker();
  await compressAll();
}

async function page(script, style, preloads) {
  const template = await readFile(join(here, "src/index.html"), "utf8");
  const links = preloads.map((path) => `<link rel="modulepreload" href="${path}">`).join("");
  return template.replace("{script}", script).replace("{style}", style).replace("{preloads}", links);
}

/** The worker is told every file and a version that changes with any of them. */
async function buildWorker() {
  const files = (await listFiles(dist)).filter((path) => !path.endsWith(".png")).sort();
  const digest = createHash("sha256");
  for (const path of files) digest.update(path).update(await readFile(join(dist, path)));
  const shell = ["/", ...files.filter((path) => path !== "index.html").map((path) => `/${path}`)];
  await esbuild.build({
    ...common,
    entryPoints: { sw: "src/worker/sw.ts" },
    format: "iife",
    outdir: "dist",
    define: { SHELL_FILES: JSON.stringify(shell), SHELL_VERSION: JSON.stringify(digest.digest("hex").slice(0, 12)) },
  });
}

/** Beside every text file its .br and .gz, so that the server sends few bytes without compressing on each request. */
async function compressAll() {
  const brotli = promisify(brotliCompress);
  const gzipped = promisify(gzip);
  for (const path of await listFiles(dist)) {
    if (!/\.(js|css|html|svg|webmanifest)$/.test(path)) continue;
    const bytes = await readFile(join(dist, path));
    await writeFile(join(dist, `${path}.br`), await brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
    await writeFile(join(dist, `${path}.gz`), await gzipped(bytes, { level: 9 }));
  }
}

async function listFiles(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

await build();
if (isWatching) {
  const { watch } = await import("node:fs");
  let timer;
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(() => build().catch((error) => console.error(error.message)), 100);
  };
  for (const folder of ["src", "public", "../casenet/words/ja"]) watch(join(here, folder), { recursive: true }, again);
}
