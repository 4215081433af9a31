/**
 * Puts the script and the style sheet into the page, and the policy that allows these two and nothing else.
 *
 * A worker that is loaded from a URL has the policy of its own response, which a static site may not have. One that is
 * made from a Blob inherits the policy of the page, and with it that nothing may connect to anything.
 */

import { createHash } from "node:crypto"
import type { Plugin } from "vite"

interface Emitted {
  readonly fileName: string
  readonly text: string
}

const digestOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`

function policyFor(script: string, style: string): string {
  return [
    "default-src 'none'",
    `script-src ${digestOf(script)}`,
    `style-src ${digestOf(style)}`,
    "worker-src blob:",
    "img-src data:",
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types default",
  ].join("; ")
}

/** What ends a script or a style sheet inside of HTML must not stand in one. */
const guarded = (text: string): string =>
  text.replace(/<\/(script|style)/gi, "<\\/$1").replaceAll("<!--", "<\\!--")

function pageOf(html: string, script: string, style: string): string {
  const rest = html
    .replace(/\s*<script type="module"[^>]*><\/script>/, "")
    .replace(/\s*<link rel="stylesheet"[^>]*>/, "")
  const head = [
    `<meta http-equiv="Content-Security-Policy" content="${policyFor(script, style)}">`,
    `<style>${style}</style>`,
    `<script type="module">${script}</script>`,
  ]
  // Functions, because a replacement text gives a meaning to "$".
  return rest
    .replace("<!-- policy -->", () => head[0] ?? "")
    .replace("</head>", () => `${head.slice(1).join("\n")}\n</head>`)
}

/** The plugin. Fails the build when there is anything else than one page, one script and one style sheet. */
export function oneFile(): Plugin {
  return {
    name: "one-file",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      const files: Emitted[] = Object.values(bundle).map((file) => ({
        fileName: file.fileName,
        text: file.type === "chunk" ? file.code : String(file.source),
      }))
      const only = (ending: string): Emitted => {
        const [file, ...more] = files.filter(({ fileName }) => fileName.endsWith(ending))
        if (file === undefined || more.length > 0) throw new Error(`one ${ending} file is expected`)
        return file
      }
      const [html, script, style] = [only(".html"), only(".js"), only(".css")]
      if (files.length > 3) throw new Error(`more than three files: ${files.map(({ fileName }) => fileName)}`)
      const page = bundle[html.fileName]
      if (page?.type !== "asset") throw new Error("the page is no asset")
      page.source = pageOf(html.text, guarded(script.text), guarded(style.text.trim()))
      for (const { fileName } of [script, style]) delete bundle[fileName]
    },
  }
}
