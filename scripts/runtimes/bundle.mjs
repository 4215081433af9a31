/** Bundles the suite of test/runtimes with all its files in it, and the packed package in place of the source. */

import { readdirSync } from "node:fs"
import { extname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const root = fileURLToPath(new URL("../..", import.meta.url))

const FIXTURES = ["oracle", "torch-1.13"].map((name) => ({ name, folder: join(root, "test/fixtures", name) }))

/** What files of the fixtures are called. */
const EMBEDDED = [".pt", ".pth", ".bin", ".ckpt", ".pt2", ".safetensors"]

/** For processes: one script, which imports the package by its name. */
export function bundleForProcess(outfile) {
  return bundle(
    { entryPoints: [join(root, "test/runtimes/process.ts")], outfile, platform: "node" },
    (to) => ({
      path: to,
      external: true,
    }),
  )
}

/** For pages: scripts by their path. The package is found from `folder`, as by a bundler for browsers. */
export async function bundleForPage(folder) {
  const { outputFiles } = await bundle(
    {
      entryPoints: { page: join(root, "test/runtimes/page.ts") },
      splitting: true,
      platform: "browser",
      outdir: "/",
      write: false,
    },
    (to, { resolve }) => resolve(to, { kind: "import-statement", resolveDir: folder }),
  )
  return new Map(outputFiles.map(({ path, contents }) => [path, contents]))
}

function bundle(options, resolvePackage) {
  return build({
    bundle: true,
    format: "esm",
    target: "es2022",
    logLevel: "error",
    loader: Object.fromEntries(EMBEDDED.map((extension) => [extension, "binary"])),
    ...options,
    plugins: [embeddedFiles(), packageForSource(resolvePackage)],
  })
}

/** Only what the package exports is there: any other import of the source is a mistake. */
function packageForSource(resolvePackage) {
  return {
    name: "package-for-source",
    setup(bundler) {
      bundler.onResolve({ filter: /\/src\/.*\.ts$/ }, ({ path }) =>
        /\/src\/(?:node\/)?index\.ts$/.test(path)
          ? resolvePackage("tosafetensors", bundler)
          : { errors: [{ text: `the suite imports ${path}, which the package does not export` }] },
      )
    },
  }
}

function embeddedFiles() {
  return {
    name: "embedded-files",
    setup(bundler) {
      bundler.onResolve({ filter: /^embedded-files$/ }, ({ path }) => ({ path, namespace: "embedded" }))
      bundler.onLoad({ filter: /.*/, namespace: "embedded" }, () => ({
        contents: embedding(),
        resolveDir: root,
      }))
    },
  }
}

function embedding() {
  const imports = [`export { default as EXAMPLE } from "./examples/tiny-transformer.pt"`]
  const folders = FIXTURES.map(({ name, folder }, i) => {
    const files = readdirSync(folder).filter((file) => EMBEDDED.includes(extname(file)))
    const entries = files.map((file, j) => {
      imports.push(`import f${i}_${j} from ${JSON.stringify(join(folder, file))}`)
      return `[${JSON.stringify(file)}, f${i}_${j}]`
    })
    imports.push(`import cases${i} from ${JSON.stringify(join(folder, "manifest.json"))}`)
    return `{ name: "${name}", cases: cases${i}, files: new Map([${entries.join(", ")}]) }`
  })
  return `${imports.join("\n")}\nexport const FOLDERS = [${folders.join(", ")}]\n`
}
