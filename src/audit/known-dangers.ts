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
const RUNS_CODE = "runs Python code"
const IMPORTS = "imports any module"
const REACHES = "reaches any function by its name"
const CALLS = "calls the function it is given"
const PROGRAMS = "runs programs, or changes files and the process"
const FILES = "reads or writes files"
const NETWORK = "opens network connections"
const LOADS = "loads another pickle, without restrictions"

/* @__NO_SIDE_EFFECTS__ */
function python(page: string): string {
  return `docs.python.org/3/library/${page}`
}

/** Modules and names are separated by blanks; advisories are those of picklescan, which a global got past. */
const ROWS: readonly Row[] = [
  // Code, and ways to reach it
  ["builtins __builtin__", "eval exec execfile compile", RUNS_CODE, python("functions.html#eval")],
  [
    "builtins __builtin__",
    "getattr setattr delattr vars globals locals",
    REACHES,
    python("functions.html#getattr"),
  ],
  ["builtins __builtin__", "__import__ reload", IMPORTS, python("functions.html#import__")],
  ["builtins __builtin__", "open file", FILES, python("functions.html#open")],
  ["builtins __builtin__", "apply map filter", CALLS, python("functions.html#map")],
  [
    "builtins __builtin__",
    "breakpoint help input raw_input",
    "stops the program and waits for input",
    python("functions.html#breakpoint"),
  ],
  ["builtins __builtin__", "type", "makes classes", python("functions.html#type")],
  ["types", "CodeType FunctionType LambdaType MethodType", RUNS_CODE, python("types.html")],
  ["code codeop", ANY, RUNS_CODE, python("code.html")],
  ["runpy", ANY, RUNS_CODE, python("runpy.html")],
  ["timeit", ANY, RUNS_CODE, "GHSA-v7x6-rv5q-mhwc"],
  ["profile cProfile bdb pdb doctest", ANY, RUNS_CODE, "GHSA-46h3-79wf-xr6c, GHSA-4675-36f9-wf6r"],
  ["trace", ANY, RUNS_CODE, "GHSA-5qwp-399c-mjwf"],
  ["idlelib lib2to3", ANY, RUNS_CODE, "GHSA-r8g5-cgf2-4m4m"],
  ["ensurepip pip venv", ANY, "installs code", "GHSA-vqmv-47xg-9wpr"],
  ["distutils setuptools", ANY, "installs code", "trailofbits/fickling, pull request 210"],
  ["ctypes _ctypes", ANY, "calls native code", python("ctypes.html")],
  ["importlib imp zipimport", ANY, IMPORTS, python("importlib.html#importlib.import_module")],
  ["pkgutil", "resolve_name", REACHES, "GHSA-vvpj-8cmc-gx39, CVE-2026-3490"],
  ["pydoc", ANY, REACHES, python("pydoc.html")],
  [
    "operator _operator",
    "attrgetter itemgetter methodcaller",
    CALLS,
    "GHSA-m273-6v24-x4m4, GHSA-955r-x9j8-7rhh",
  ],
  ["functools _functools", "partial partialmethod reduce", CALLS, python("functools.html#functools.partial")],
  ["itertools", "starmap", CALLS, python("itertools.html#itertools.starmap")],
  [
    "threading _thread multiprocessing concurrent.futures",
    ANY,
    CALLS,
    python("threading.html#threading.Thread"),
  ],
  ["atexit", ANY, "runs code when Python ends", python("atexit.html")],
  ["sys signal gc faulthandler", ANY, "changes the running interpreter", python("sys.html")],
  ["copyreg copy_reg", "_reconstructor add_extension", CALLS, python("copyreg.html")],

  // The system, files, the network
  ["os posix nt posixpath ntpath", ANY, PROGRAMS, python("os.html#os.system")],
  ["subprocess _posixsubprocess", ANY, PROGRAMS, python("subprocess.html")],
  ["commands popen2", ANY, PROGRAMS, "docs.python.org/2/library/commands.html"],
  ["pty", ANY, PROGRAMS, python("pty.html#pty.spawn")],
  ["webbrowser", ANY, PROGRAMS, python("webbrowser.html")],
  ["asyncio", ANY, PROGRAMS, "CVE-2025-10157"],
  ["winreg _winreg msvcrt", ANY, "reaches the Windows system", python("winreg.html")],
  ["io _io", ANY, FILES, python("io.html")],
  ["shutil", ANY, FILES, python("shutil.html")],
  ["tempfile fileinput linecache", ANY, FILES, python("tempfile.html")],
  ["codecs", "open", FILES, python("codecs.html#codecs.open")],
  ["sqlite3 dbm", ANY, FILES, python("sqlite3.html")],
  ["logging", "FileHandler", FILES, python("logging.handlers.html#filehandler")],
  ["logging.config", ANY, CALLS, python("logging.config.html")],
  ["socket ssl socketserver", ANY, NETWORK, python("socket.html")],
  ["http httplib urllib urllib2 ftplib smtplib xmlrpc", ANY, NETWORK, python("urllib.request.html")],
  ["requests aiohttp", ANY, NETWORK, "GHSA-hgrh-qx5j-jfwx"],

  // Pickles in the pickle, and libraries
  ["pickle _pickle cPickle", ANY, LOADS, "GHSA-84r2-jw7c-4r5q"],
  ["marshal", ANY, LOADS, "mmaitre314/picklescan, pull request 74"],
  ["dill cloudpickle joblib shelve", ANY, LOADS, python("pickle.html#restricting-globals")],
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

const BY_MODULE: ReadonlyMap<string, readonly Danger[]> = /* @__PURE__ */ (() => {
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
