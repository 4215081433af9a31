/**
 * Stands in for a parser that a file has taken over: it has all of Node's functions, and tries what it may not do. Started
 * with the product's own flags. A line of JSON for each try: what it is, and what it came to.
 *
 * Its first argument is a folder that it may not touch, with `secret`, `addon.node` and `path.sock` in it, on which
 * somebody listens; the second is a port on which somebody listens.
 */
const { connect, createServer } = require("node:net")
const fs = require("node:fs")
const { join } = require("node:path")
const folder = process.argv[2]
const at = (name) => join(folder, name)
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Whether `work` got a connection or a listening socket. */
const opens = (emitter, event) =>
  new Promise((resolve, reject) => {
    emitter.on(event, () => resolve("done"))
    emitter.on("error", reject)
  })

const made = (name, work) => async () => {
  const result = await work(at(name))
  await wait(50)
  return result
}

const TRIES = {
  "read a file": () => fs.readFileSync(at("secret"), "utf8"),
  "read a file by its descriptor's path": () => fs.readFileSync("/proc/self/fd/0", "utf8"),
  "read the environment of another process": () => fs.readFileSync(`/proc/${process.ppid}/environ`, "utf8"),
  "list a folder": () => fs.readdirSync(folder),
  "ask for a file's status": () => fs.statSync(at("secret")).size,
  "watch a folder": () => fs.watch(folder).close(),
  "write a file": () => fs.writeFileSync(at("made-write"), "x"),
  "write a file here": () => fs.writeFileSync("made-here", "x"),
  "append to a file": () => fs.appendFileSync(at("secret"), "x"),
  "make a folder": () => fs.mkdirSync(at("made-folder")),
  "make a temporary folder": () => fs.mkdtempSync(at("made-")),
  "copy a file": () => fs.copyFileSync(at("secret"), at("made-copy")),
  "rename a file": () => fs.renameSync(at("secret"), at("made-renamed")),
  "link a file": () => fs.linkSync(at("secret"), at("made-link")),
  "make a symbolic link": () => fs.symlinkSync(at("secret"), at("made-symlink")),
  "change a file's mode": () => fs.chmodSync(at("secret"), 0o777),
  "change the working folder": () => process.chdir(folder),
  "start a program": () => require("node:child_process").execFileSync("true"),
  "start Node": () => require("node:child_process").fork(__filename),
  "start a thread": () => new (require("node:worker_threads").Worker)("1", { eval: true, execArgv: [] }),
  "load an addon": () => process.dlopen({ exports: {} }, at("addon.node")),
  "require a file": () => require(at("secret")),
  "open the debugger": () => require("node:inspector").open(0),
  "debug itself": () => new (require("node:inspector").Session)().connect(),
  "make a WASI": () => new (require("node:wasi").WASI)({ version: "preview1", preopens: { "/": "/" } }),
  "use an internal binding": () => process.binding("fs"),
  "run text by eval": () => Reflect.get(globalThis, "eval")("1"),
  "run text by Function": () => new Function("return 1")(),
  "run text by node:vm": () => require("node:vm").runInThisContext("1"),
  "write a diagnostic report": made("made-report", () => {
    process.report.directory = folder
    return process.report.writeReport("made-report")
  }),
  "write a heap snapshot": made("made.heapsnapshot", (path) => require("node:v8").writeHeapSnapshot(path)),
  "write coverage": made("made-coverage", () => require("node:v8").takeCoverage()),
  "have V8 write a log": made("made-v8.log", (path) => {
    require("node:v8").setFlagsFromString(`--logfile=${path}`)
    require("node:v8").setFlagsFromString("--log-all")
    for (let i = 0; i < 1e5; i++) Math.hypot(i)
    return fs.existsSync(path)
  }),
  "open a database": () => new (require("node:sqlite").DatabaseSync)(at("made.sqlite")),
  "send a signal": () => process.kill(process.ppid, 0),
  "send a signal that opens a debugger": () => process.kill(process.ppid, "SIGUSR1"),
  "become another user": () => process.setuid(process.getuid()),
  "connect by TCP": () => opens(connect({ port: Number(process.argv[3]), host: "127.0.0.1" }), "connect"),
  "listen by TCP": () => opens(createServer().listen(0, "127.0.0.1"), "listening"),
  "connect to a socket by its path": () => opens(connect(at("path.sock")), "connect"),
  "make a socket": () => opens(createServer().listen(at("made.sock")), "listening"),
}

const say = (what, result) => fs.writeSync(1, `${JSON.stringify([what, result])}\n`)

;(async () => {
  for (const [what, attempt] of Object.entries(TRIES)) {
    try {
      const got = await Promise.race([attempt(), wait(2000).then(() => "no answer")])
      say(what, `got ${String(JSON.stringify(got)).slice(0, 40)}`)
    } catch (error) {
      say(what, `held: ${error.code ?? error.name} ${String(error.message).slice(0, 60)}`)
    }
  }
  // A trace that cannot be written stops the process for good: whoever started it ends it.
  say("write a trace", "got asked for")
  require("node:trace_events")
    .createTracing({ categories: ["node"] })
    .enable()
})()
