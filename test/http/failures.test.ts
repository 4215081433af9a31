/** What is said of a server that does not give the file, and what to do about it: true for its cause. */

import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { describe, expect, it } from "vitest"
import { type AnyCheckpointError, isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { openUrlSource, type UrlSourceOptions } from "../../src/http/url-source.ts"
import { answerWith, type Fault, serveFile } from "./file-server.ts"

const OPTIONS: UrlSourceOptions = { wait: async () => {} }
const TOKEN = { authorization: "Bearer secret" }

async function failure(url: URL, options: Partial<UrlSourceOptions> = {}): Promise<AnyCheckpointError> {
  const thrown: unknown = await openUrlSource(url, { ...OPTIONS, ...options }).then(
    () => expect.unreachable(),
    (error: unknown) => error,
  )
  return isCheckpointError(thrown) ? thrown : expect.unreachable(String(thrown))
}

async function failureOf(
  always: Fault,
  options: Partial<UrlSourceOptions> = {},
): Promise<AnyCheckpointError> {
  await using server = await serveFile(new Uint8Array(100))
  server.always = always
  return await failure(server.url, options)
}

const html = { "content-type": "text/html; charset=utf-8" }

describe("an answer", () => {
  it.each<[what: string, fault: Fault, kind: string | undefined, message: string, next: string]>([
    ["404", answerWith(404), "not-found", "there is no such file", "Check the address"],
    [
      "404 of the Hub",
      answerWith(404, { "x-error-code": "EntryNotFound" }),
      "not-found",
      "the repository has no such file",
      "Check the address",
    ],
    [
      "404 of a branch",
      answerWith(404, { "x-error-code": "RevisionNotFound" }),
      "not-found",
      "no such revision",
      "Check the address",
    ],
    ["410", answerWith(410), "not-found", "any more", "Check the address"],
    ["401", answerWith(401), "unauthorized", "wants to know who asks", "Pass a token"],
    [
      "401 of the Hub for what is not there",
      answerWith(401, { "x-error-code": "RepoNotFound" }),
      "unauthorized",
      "no such repository, or it is private",
      "Pass a token",
    ],
    [
      "401 of a gated repository",
      answerWith(401, { "x-error-code": "GatedRepo" }),
      "gated",
      "accepted its conditions",
      "Accept the conditions",
    ],
    [
      "403 of a gated repository",
      answerWith(403, { "x-error-code": "GatedRepo" }),
      "gated",
      "accepted its conditions",
      "Accept the conditions",
    ],
    ["403", answerWith(403), "forbidden", "does not allow this", "token that may read"],
    [
      "403 with words of a stranger",
      answerWith(403, { "x-error-code": "::error::x" }),
      "forbidden",
      "does not allow this",
      "token",
    ],
    ["429", answerWith(429, { "retry-after": "0" }), "too-many-requests", "too many requests", "Try later"],
    ["500", answerWith(500), "server-error", "answered 500", "asked again in vain"],
    ["503", answerWith(503), "server-error", "answered 503", "Try later"],
    ["the whole file", answerWith(200), "no-ranges", "no range requests", "Fetch the file first"],
    ["a page", answerWith(200, html), "web-page", "a web page", "the file itself"],
    ["a status that means nothing", answerWith(418), undefined, "answered 418", "Try again"],
  ])("of %s", async (_, fault, kind, message, next) => {
    const error = await failureOf(fault)
    expect(error.code).toBe("read-failed")
    expect((error.detail as { failure?: string }).failure).toBe(kind)
    expect(error.message).toContain(message)
    expect(error.nextStep).toContain(next)
    expect(error.nextStep + error.message).not.toMatch(/--|::/)
  })

  it.each([401, 403])(
    "of %d to somebody who has passed a token says that it is not taken",
    async (status) => {
      const error = await failureOf(answerWith(status), { headers: TOKEN })
      expect(error.nextStep).toContain("The token that was passed is not taken")
      expect(JSON.stringify(error.toJSON())).not.toContain("secret")
    },
  )

  it("that redirects where the headers may not go", async () => {
    const error = await failureOf(answerWith(302, { location: "/b" }), { headers: { "x-key": "secret" } })
    expect(error).toMatchObject({ detail: { failure: "redirect" } })
    expect(error.nextStep).toContain("authorization")
  })

  it("that leads from https to http", async () => {
    const answer = Object.defineProperties(new Response("x", { status: 206 }), {
      redirected: { value: true },
      url: { value: "http://b.example/" },
    })
    const error = await failure(new URL("https://a.example/m.pt"), { fetch: async () => answer })
    expect(error).toMatchObject({ detail: { failure: "redirect" } })
    expect(error.nextStep).toContain("anybody could change the file")
  })
})

describe("no answer", () => {
  it("of a name that is none", async () => {
    const error = await failure(new URL("http://no-such-host.invalid/m.pt"))
    expect(error).toMatchObject({ code: "read-failed", detail: { failure: "dns" } })
    expect(error.message).toMatch(/there is no server of that name \((?:ENOTFOUND|EAI_AGAIN)\)/)
  })

  it("of a port that nobody listens at", async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const error = await failure(new URL(`http://127.0.0.1:${port}/m.pt`))
    expect(error).toMatchObject({ code: "read-failed", detail: { failure: "refused-connection" } })
    expect(error.nextStep).toContain("its port")
  })

  it("of a server that says nothing", async () => {
    const error = await failureOf(() => "answered", { stallTimeoutMs: 20 })
    expect(error).toMatchObject({ detail: { failure: "stalled" } })
    expect(error.nextStep).toContain("stallTimeoutMs")
  })

  it.each([
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "tls"],
    ["CERT_HAS_EXPIRED", "tls"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "tls"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "tls"],
    ["EAI_AGAIN", "dns"],
    ["ECONNREFUSED", "refused-connection"],
    ["ECONNRESET", undefined],
    ["UND_ERR_CONNECT_TIMEOUT", undefined],
  ])("for the reason %s", async (code, kind) => {
    const cause = Object.assign(new Error("the reason"), { code })
    const fetch = () => Promise.reject(new TypeError("fetch failed", { cause }))
    const error = await failure(new URL("https://a.example/m.pt"), { fetch })
    expect((error.detail as { failure?: string }).failure).toBe(kind)
    expect(error.message).toContain(kind === undefined ? "the reason" : code)
  })
})
