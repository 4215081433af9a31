/**
 * Globals that are known to run code, to reach the system or to read other data when a pickle is loaded by Python.
 *
 * For the wording alone: whatever is not on the list of allowed globals is refused, whether it stands here or not. A row
 * names a module, which covers what lies below it too unless it lists names, a reason and where that is written down.
 */

/** What is known of a global. */
export interface KnownDanger {
  readonly reason: string
  readonly source: string
}

type Row = readonly [modules: string, names: string, reason: string, source: string]

const ANY = "*"
const PYTHON = "docs.python.org/3/library"
const RUNS_CODE = "runs Python code"
const IMPORTS = "imports any module"
const REACHES = "reaches any function by its name"
const CALLS = "calls the function it is given"
const PROGRAMS = "runs programs, or changes files and the process"
const FILES = "reads or writes files"
const NETWORK = "opens network connections"
const LOADS = "loads another pickle, without restrictions"

/** Modules and names are separated by blanks; advisories are those of picklescan, which a global got past. */
const ROWS: readonly Row[] = [
  // Code, and ways to reach it
  ["builtins __builtin__", "eval exec execfile compile", RUNS_CODE, `${PYTHON}/functions.html#eval`],
  [
    "builtins __builtin__",
    "getattr setattr delattr vars globals locals",
    REACHES,
    `${PYTHON}/functions.html#getattr`,
  ],
  ["builtins __builtin__", "__import__ reload", IMPORTS, `${PYTHON}/functions.html#import__`],
  ["builtins __builtin__", "open file", FILES, `${PYTHON}/functions.html#open`],
  ["builtins __builtin__", "apply map filter", CALLS, `${PYTHON}/functions.html#map`],
  [
    "builtins __builtin__",
    "breakpoint help input raw_input",
    "stops the program and waits for input",
    `${PYTHON}/functions.html#breakpoint`,
  ],
  ["builtins __builtin__", "type", "makes classes", `${PYTHON}/functions.html#type`],
  ["types", "CodeType FunctionType LambdaType MethodType", RUNS_CODE, `${PYTHON}/types.html`],
  ["code codeop", ANY, RUNS_CODE, `${PYTHON}/code.html`],
  ["runpy", ANY, RUNS_CODE, `${PYTHON}/runpy.html`],
  ["timeit", ANY, RUNS_CODE, "GHSA-v7x6-rv5q-mhwc"],
  ["profile cProfile bdb pdb doctest", ANY, RUNS_CODE, "GHSA-46h3-79wf-xr6c, GHSA-4675-36f9-wf6r"],
  ["trace", ANY, RUNS_CODE, "GHSA-5qwp-399c-mjwf"],
  ["idlelib lib2to3", ANY, RUNS_CODE, "GHSA-r8g5-cgf2-4m4m"],
  ["ensurepip pip venv", ANY, "installs code", "GHSA-vqmv-47xg-9wpr"],
  ["distutils setuptools", ANY, "installs code", "trailofbits/fickling, pull request 210"],
  ["ctypes _ctypes", ANY, "calls native code", `${PYTHON}/ctypes.html`],
  ["importlib imp zipimport", ANY, IMPORTS, `${PYTHON}/importlib.html#importlib.import_module`],
  ["pkgutil", "resolve_name", REACHES, "GHSA-vvpj-8cmc-gx39, CVE-2026-3490"],
  ["pydoc", ANY, REACHES, `${PYTHON}/pydoc.html`],
  [
    "operator _operator",
    "attrgetter itemgetter methodcaller",
    CALLS,
    "GHSA-m273-6v24-x4m4, GHSA-955r-x9j8-7rhh",
  ],
  [
    "functools _functools",
    "partial partialmethod reduce",
    CALLS,
    `${PYTHON}/functools.html#functools.partial`,
  ],
  ["itertools", "starmap", CALLS, `${PYTHON}/itertools.html#itertools.starmap`],
  [
    "threading _thread multiprocessing concurrent.futures",
    ANY,
    CALLS,
    `${PYTHON}/threading.html#threading.Thread`,
  ],
  ["atexit", ANY, "runs code when Python ends", `${PYTHON}/atexit.html`],
  ["sys signal gc faulthandler", ANY, "changes the running interpreter", `${PYTHON}/sys.html`],
  ["copyreg copy_reg", "_reconstructor add_extension", CALLS, `${PYTHON}/copyreg.html`],

  // The system, files, the network
  ["os posix nt posixpath ntpath", ANY, PROGRAMS, `${PYTHON}/os.html#os.system`],
  ["subprocess _posixsubprocess", ANY, PROGRAMS, `${PYTHON}/subprocess.html`],
  ["commands popen2", ANY, PROGRAMS, "docs.python.org/2/library/commands.html"],
  ["pty", ANY, PROGRAMS, `${PYTHON}/pty.html#pty.spawn`],
  ["webbrowser", ANY, PROGRAMS, `${PYTHON}/webbrowser.html`],
  ["asyncio", ANY, PROGRAMS, "CVE-2025-10157"],
  ["winreg _winreg msvcrt", ANY, "reaches the Windows system", `${PYTHON}/winreg.html`],
  ["io _io", ANY, FILES, `${PYTHON}/io.html`],
  ["shutil", ANY, FILES, `${PYTHON}/shutil.html`],
  ["tempfile fileinput linecache", ANY, FILES, `${PYTHON}/tempfile.html`],
  ["codecs", "open", FILES, `${PYTHON}/codecs.html#codecs.open`],
  ["sqlite3 dbm", ANY, FILES, `${PYTHON}/sqlite3.html`],
  ["logging", "FileHandler", FILES, `${PYTHON}/logging.handlers.html#filehandler`],
  ["logging.config", ANY, CALLS, `${PYTHON}/logging.config.html`],
  ["socket ssl socketserver", ANY, NETWORK, `${PYTHON}/socket.html`],
  ["http httplib urllib urllib2 ftplib smtplib xmlrpc", ANY, NETWORK, `${PYTHON}/urllib.request.html`],
  ["requests aiohttp", ANY, NETWORK, "GHSA-hgrh-qx5j-jfwx"],

  // Pickles in the pickle, and libraries
  ["pickle _pickle cPickle", ANY, LOADS, "GHSA-84r2-jw7c-4r5q"],
  ["marshal", ANY, LOADS, "mmaitre314/picklescan, pull request 74"],
  ["dill cloudpickle joblib shelve", ANY, LOADS, `${PYTHON}/pickle.html#restricting-globals`],
  ["torch", "load", LOADS, "docs.pytorch.org/docs/stable/generated/torch.load.html"],
  ["torch.serialization", "load _load _legacy_load os", LOADS, "torch/serialization.py"],
  ["torch.storage", "_load_from_bytes", LOADS, "torch/storage.py: torch.load without restrictions"],
  ["torch.hub", ANY, "downloads and runs code", "docs.pytorch.org/docs/stable/hub.html"],
  ["torch.package", ANY, RUNS_CODE, "docs.pytorch.org/docs/stable/package.html"],
  ["torch.jit", "load CompilationUnit script", RUNS_CODE, "docs.pytorch.org/docs/stable/jit.html"],
  [
    "torch.utils.cpp_extension torch.ops torch.classes",
    ANY,
    "loads native code",
    "docs.pytorch.org/docs/stable/cpp_extension.html",
  ],
  ["torch.distributed.rpc", ANY, NETWORK, "docs.pytorch.org/docs/stable/rpc.html"],
  [
    "numpy",
    "load fromfile memmap save savetxt",
    FILES,
    "numpy.org/doc/stable/reference/generated/numpy.load.html",
  ],
  ["numpy.f2py numpy.testing numpy.distutils", ANY, RUNS_CODE, "trailofbits/fickling, pull request 210"],
  ["pandas", "eval read_pickle", LOADS, "pandas.pydata.org/docs/reference/api/pandas.read_pickle.html"],
  ["yaml", "full_load load unsafe_load", RUNS_CODE, "pyyaml.org/wiki/PyYAMLDocumentation"],
]

interface Danger extends KnownDanger {
  readonly names: ReadonlySet<string> | undefined
}

const BY_MODULE: ReadonlyMap<string, readonly Danger[]> = (() => {
  const table = new Map<string, Danger[]>()
  for (const [modules, names, reason, source] of ROWS) {
    const danger = { names: names === ANY ? undefined : new Set(names.split(" ")), reason, source }
    for (const module of modules.split(" ")) {
      const rows = table.get(module)
      if (rows === undefined) table.set(module, [danger])
      else rows.push(danger)
    }
  }
  return table
})()

/**
 * What is known to be dangerous about a global; undefined when nothing is. Names with dots are walked as attributes by
 * Python from protocol 4 on, so `os.system` of any module counts as what it leads to.
 */
export function findDanger(module: string, name: string): KnownDanger | undefined {
  return findBelow(`${module}.${name}`) ?? (name.includes(".") ? findBelow(name) : undefined)
}

function findBelow(path: string): KnownDanger | undefined {
  for (let dot = path.lastIndexOf("."); dot > 0; dot = path.lastIndexOf(".", dot - 1)) {
    const rest = path.slice(dot + 1)
    const first = rest.split(".", 1)[0] as string
    const found = BY_MODULE.get(path.slice(0, dot))?.find(({ names }) => names?.has(first) ?? true)
    if (found !== undefined) return { reason: found.reason, source: found.source }
  }
  return undefined
}
