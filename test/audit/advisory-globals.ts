/**
 * Globals that advisories and the lists of scanners call dangerous, by where they are written down. The table of dangers
 * must know each of them, whatever its own rows are.
 */

type Row = readonly [source: string, globals: string]

/** `module name` each, separated by commas. */
const ROWS: readonly Row[] = [
  // Advisories of picklescan, one by one
  ["GHSA-655q-fx9r-782v, CVE-2025-1716", "pip main, pip._internal main, pip._internal.cli.main main"],
  ["GHSA-v7x6-rv5q-mhwc", "timeit timeit, timeit repeat, timeit Timer"],
  ["GHSA-4r9r-ch6f-vxmx", "torch.utils.bottleneck.__main__ run_cprofile"],
  ["GHSA-4whj-rm5r-c2v8", "torch.utils.bottleneck.__main__ run_autograd_prof"],
  ["GHSA-86cj-95qr-2p4f", "torch._dynamo.guards GuardBuilder.get, torch._dynamo.guards.GuardBuilder get"],
  [
    "GHSA-f4x7-rfwp-v3xw",
    "torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression, torch.fx.experimental.symbolic_shapes.ShapeEnv evaluate_guards_expression",
  ],
  ["GHSA-f745-w6jp-hpxx", "torch.utils.collect_env run"],
  ["GHSA-jhph-76pp-mggw", "torch.utils.collect_env run_and_read_all"],
  ["GHSA-h3qp-7fh3-f8h4", "torch.utils.data.datapipes.utils.decoder basichandlers"],
  ["GHSA-vr7h-p6mm-wpmh", "torch.jit.unsupported_tensor_ops execWrapper"],
  [
    "GHSA-vv6j-3g6g-2pvj",
    "torch.utils._config_module ConfigModule.load_config, torch.utils._config_module load_config",
  ],
  ["GHSA-5qwp-399c-mjwf", "trace Trace.run"],
  ["GHSA-g344-hcph-8vgg", "trace Trace.runctx"],
  ["GHSA-x696-vm39-cp64", "profile Profile.run"],
  ["GHSA-6vqj-c2q5-j97w", "profile Profile.runctx"],
  ["GHSA-7wx9-6375-f5wh", "profile run, profile runctx"],
  ["GHSA-f54q-57x4-jg88", "lib2to3.pgen2.grammar Grammar.loads"],
  ["GHSA-p9w7-82w4-7q8m", "lib2to3.pgen2.pgen ParserGenerator.make_label"],
  ["GHSA-3vg9-h568-4w9m", "idlelib.debugobj ObjectTreeItem.SetText"],
  ["GHSA-6w4w-5w54-rjvr", "idlelib.autocomplete AutoComplete.get_entity"],
  ["GHSA-7cq8-mj8x-j263", "idlelib.autocomplete AutoComplete.fetch_completions"],
  ["GHSA-8r4j-24qv-fmq9", "idlelib.calltip Calltip.fetch_tip"],
  ["GHSA-9xph-j2h6-g47v", "idlelib.calltip get_entity"],
  ["GHSA-m869-42cg-3xwr", "idlelib.run Executive.runcode"],
  ["GHSA-j343-8v2j-ff7w", "idlelib.pyshell ModifiedInterpreter.runcommand"],
  ["GHSA-3gf5-cxq9-w223", "idlelib.pyshell ModifiedInterpreter.runcode"],
  ["GHSA-cj3c-v495-4xqh", "code InteractiveInterpreter.runcode, code InteractiveInterpreter"],
  ["GHSA-xp4f-hrf8-rxw7", "ensurepip _run_pip"],
  ["GHSA-fqq6-7vqf-w3fg", "doctest debug_script"],
  ["GHSA-9w88-8rmg-7g2p, GHSA-49gj-c84q-6qm9", "cProfile runctx, cProfile run"],
  ["GHSA-q77w-mwjj-7mqx, CVE-2025-10157", "asyncio.unix_events _UnixSubprocessTransport._start"],
  ["GHSA-m273-6v24-x4m4", "distutils.file_util write_file"],
  [
    "GHSA-4675-36f9-wf6r",
    "ctypes CDLL, ctypes PyDLL, ctypes WinDLL, ctypes.util find_library, _ctypes dlopen",
  ],
  ["GHSA-84r2-jw7c-4r5q", "pydoc locate, operator methodcaller"],
  ["GHSA-vqmv-47xg-9wpr, GHSA-r7v6-mfhq-g3m2", "pty spawn"],
  [
    "GHSA-r8g5-cgf2-4m4m",
    "numpy.f2py.crackfortran getlincoef, numpy.f2py.crackfortran _eval_length, numpy.f2py.crackfortran myeval",
  ],
  ["GHSA-955r-x9j8-7rhh", "_operator methodcaller, builtins __import__, __builtin__ __import__"],
  [
    "GHSA-46h3-79wf-xr6c",
    "_operator attrgetter, operator attrgetter, operator itemgetter, _operator itemgetter",
  ],
  ["GHSA-vvpj-8cmc-gx39, CVE-2026-3490", "pkgutil resolve_name, pkgutil get_importer, pkgutil walk_packages"],
  [
    "GHSA-g38g-8gr9-h9xp, CVE-2026-56315",
    "uuid _get_command_stdout, uuid _popen, uuid getnode, uuid _ifconfig_getnode, uuid _arp_getnode, uuid _lanscan_getnode, _osx_support _read_output, _osx_support _find_build_tool, _aix_support _read_cmd_output, imaplib IMAP4_stream, _pyrepl.pager pipe_pager, _pyrepl.pager tempfile_pager, test.support.script_helper assert_python_ok",
  ],
  [
    "mmaitre314/picklescan 1.0.5, _unsafe_globals",
    "builtins eval, builtins compile, builtins getattr, builtins apply, builtins exec, builtins open, builtins breakpoint, __builtin__ eval, __builtin__ compile, __builtin__ getattr, __builtin__ apply, __builtin__ exec, __builtin__ open, cloudpickle.cloudpickle _builtin_type, cloudpickle.cloudpickle _make_function, cloudpickle.cloudpickle _function_setstate, cloudpickle.cloudpickle _make_cell, cloudpickle.cloudpickle _make_empty_cell, cloudpickle.cloudpickle subimport, types CodeType, aiohttp.client ClientSession, asyncio run, bdb Bdb, commands getoutput, functools partial, httplib HTTPConnection, logging FileHandler, _io FileIO, numpy.testing._private.utils runstring, nt system, posix system, os system, os popen, os execve, requests.api get, runpy _run_code, runpy run_path, shutil rmtree, shutil copyfile, socket socket, socket create_connection, ssl get_server_certificate, subprocess Popen, subprocess run, subprocess check_output, sys modules, pdb run, pickle loads, pickle load, _pickle loads, torch._inductor.codecache compile_file, torch.serialization load, urllib.request urlopen, venv create, webbrowser open",
  ],

  // Advisories and lists of fickling
  ["GHSA-565g-hwwr-4pp3", "marshal loads, marshal load, types FunctionType, types LambdaType"],
  ["GHSA-wfq2-52f7-7qvj", "runpy run_module"],
  ["GHSA-p523-jq9w-64x9", "cProfile Profile.runcall"],
  [
    "GHSA-q5qq-mvfm-j35x",
    "importlib import_module, importlib.util spec_from_file_location, importlib.machinery SourceFileLoader, code InteractiveInterpreter.runsource, multiprocessing.util spawnv_passfds, multiprocessing Process, multiprocessing.pool Pool",
  ],
  ["GHSA-5hvc-6wx8-mvv4, CVE-2026-22608", "ctypes cdll, pydoc pipepager, pydoc tempfilepager"],
  [
    "GHSA-h4rm-mm56-xf63",
    "builtins setattr, builtins delattr, builtins globals, builtins locals, builtins vars, builtins input",
  ],
  [
    "GHSA-mhc9-48gj-9gp3",
    "signal signal, _signal signal, socketserver TCPServer, xmlrpc.server SimpleXMLRPCServer, threading Thread, _thread start_new_thread, sqlite3 connect, _sqlite3 connect, fileinput FileInput, glob glob, compileall compile_dir, py_compile compile, mmap mmap, select select, selectors DefaultSelector, logging.handlers SocketHandler, syslog syslog, tarfile open, zipfile ZipFile, shelve open, smtplib SMTP, ftplib FTP, poplib POP3, telnetlib Telnet, nntplib NNTP, imaplib IMAP4",
  ],
  ["GHSA-5hwf-rc88-82xm", "uuid _netstat_getnode"],
  [
    "GHSA-m6fh-58r7-x697",
    "_posixsubprocess fork_exec, site addpackage, site addsitedir, site main, atexit register",
  ],
  [
    "GHSA-pc6j-px3p-rrj4",
    "doctest DocTestRunner, unittest TestLoader.loadTestsFromName, unittest.mock _get_target, unittest.mock patch",
  ],
  [
    "GHSA-r48f-3986-4f9c",
    "linecache getline, difflib HtmlDiff, gc get_objects, gc get_referrers, gc get_referents",
  ],
  ["GHSA-5cxw-w2xg-2m8h", "platform popen, platform _syscmd_file, platform architecture"],
  [
    "GHSA-6ggj-6f2q-f7mx",
    "_interpreters create, _interpreters run_string, _xxsubinterpreters create, _xxsubinterpreters run_string, _imp create_dynamic, _frozen_importlib _gcd_import, _frozen_importlib_external SourceFileLoader",
  ],
  [
    "GHSA-5j3x-jp52-966f",
    "pathlib os.system, collections sys.modules, statistics sys.modules, json codecs.open, decoder os.path.os.system",
  ],
  [
    "trailofbits/fickling, UNSAFE_IMPORTS",
    "__builtins__ eval, nt popen, codeop compile_command, zipimport zipimporter, inspect currentframe, inspect getmembers, functools reduce, timeit main, urllib2 urlopen, requests get, http.client HTTPSConnection, http.server HTTPServer, dill loads, dill.session load_session, cloudpickle loads, joblib load, tempfile mkstemp, tempfile NamedTemporaryFile, filecmp cmp, distutils.spawn spawn, pexpect spawn, pexpect run, pipes Template.copy, pipes Template.open, imp load_source, imp load_dynamic, _pickle Unpickler",
  ],
  [
    "trailofbits/fickling, UnsafeImportsML",
    "torch.hub load, torch.hub load_state_dict_from_url, torch.hub download_url_to_file, torch._dynamo compile, torch._inductor cudagraphs, torch.jit load, torch.jit CompilationUnit, torch.jit script, torch load, torch compile, torch.storage _load_from_bytes, torch.utils._config_module ConfigModule, numpy.distutils exec_command, numpy.distutils.exec_command exec_command, io FileIO, io open, _io open",
  ],

  // Others
  [
    "protectai/modelscan, settings and issue 267",
    "asyncio create_subprocess_shell, aiohttp.client request, socket socketpair, shutil move, bdb Bdb.run, pickle Unpickler",
  ],
  [
    "protectai/modelscan, issue 89",
    "numpy __builtins__, numpy core._internal.sys.modules, numpy prod.os.system, math __loader__",
  ],
  [
    "protectai/modelscan, KerasLambdaDetectScan",
    "keras.layers Lambda, tensorflow.keras.layers Lambda, keras.layers.core Lambda",
  ],
  ["mmaitre314/picklescan, pull request 69", "mailcap findmatch"],
  [
    "promptfoo/modelaudit, policy of its picklescan",
    "_functools partial, _functools reduce, _io FileIO.write, _io TextIOWrapper.write, _tkinter TkappType.call, _tkinter TkappType.eval, argparse FileType, codecs StreamReaderWriter.write, codecs open, concurrent.futures ProcessPoolExecutor.map, concurrent.futures ThreadPoolExecutor.submit, concurrent.futures.process ProcessPoolExecutor, contextlib ExitStack.__exit__, contextlib ExitStack.callback, contextlib ExitStack.close, contextvars Context.run, copyreg add_extension, copyreg remove_extension, csv DictWriter.writerow, dataclasses _create_fn, dill load_module, dill load_module_asdict, dill._dill _create_function, dotenv set_key, dotenv.main set_key, faulthandler _sigsegv, faulthandler _read_null, functools cache, functools cached_property.__get__, functools cmp_to_key, functools lru_cache, functools singledispatch, gzip open, bz2 open, lzma open, aifc open, wave open, sunau open, dbm open, configparser ConfigParser.read, configparser RawConfigParser.read, itertools accumulate, itertools dropwhile, itertools filterfalse, itertools groupby, itertools starmap, itertools takewhile, joblib _pickle_load, logging FileHandler.emit, logging StreamHandler, logging.config dictConfig, logging.config fileConfig, logging.config listen, logging.handlers RotatingFileHandler, mailbox mbox.add, mailbox Maildir, numpy load, numpy savetxt, numpy.lib._npyio_impl savetxt, operator call, pathlib Path.open, pathlib Path.write_bytes, pathlib Path.write_text, pathlib PosixPath.write_text, pip._vendor.distlib.scripts ScriptMaker, resource setrlimit, sched scheduler.enter, sched scheduler.run, setuptools._distutils.spawn spawn, string Formatter.get_field, torch.hub download_url_to_file, types MethodType, types ClassMethodDescriptorType.__get__, types FrameType.f_globals.__get__, types GetSetDescriptorType.__get__, typing _eval_type, typing get_type_hints, unittest.loader defaultTestLoader.discover, unittest.mock MagicMock, weakref finalize, yaml CLoader, yaml UnsafeLoader, yaml load, yaml load_all, yaml unsafe_load, yaml.loader Loader, yaml.cyaml CUnsafeLoader, zipfile PyZipFile, site os.system, sysconfig prefix.os.system, site logging.config.dictConfig, builtins object.__getattribute__, builtins object.__subclasses__, statistics mean.__globals__, collections Counter.__subclasses__, builtins hasattr, builtins dir, builtins map, builtins filter, builtins staticmethod, builtins property.__get__, builtins classmethod.__get__, builtins exit, __builtin__ execfile, __builtin__ reload, __builtin__ raw_input",
  ],

  // What Python 3 takes for a dangerous global when a pickle of Python 2 names it (Lib/_compat_pickle.py)
  [
    "python/cpython, _compat_pickle",
    "__builtin__ reduce, cPickle loads, cPickle Unpickler, itertools imap, itertools ifilter, SocketServer TCPServer, BaseHTTPServer HTTPServer, SimpleHTTPServer SimpleHTTPRequestHandler, CGIHTTPServer CGIHTTPRequestHandler, xmlrpclib ServerProxy, SimpleXMLRPCServer SimpleXMLRPCServer, DocXMLRPCServer DocXMLRPCServer, cookielib FileCookieJar, robotparser RobotFileParser, anydbm open, dbhash open, gdbm open, dumbdbm open, whichdb whichdb, Tkinter Tk, thread start_new_thread, dummy_thread start_new_thread, ConfigParser ConfigParser.read, copy_reg _reconstructor, test.test_support check_warnings, urllib urlopen, urllib urlretrieve, urllib2 build_opener, _winreg OpenKey, popen2 popen3, _multiprocessing Connection",
  ],

  // By their documents
  [
    "torch 2.13, source",
    "torch.fx.graph_module reduce_graph_module, torch.fx.graph_module _forward_from_src, torch.fx.graph_module _exec_with_source, torch.fx._graph_pickler GraphPickler.loads, torch._weights_only_unpickler load, torch.distributed.rpc rpc_sync, torch.distributed.rpc remote, torch.distributed.elastic.multiprocessing start_processes, torch.distributed.run main, torch.distributed.launcher elastic_launch, torch.distributed.nn.jit.instantiator instantiate_scriptable_remote_module_template, torch.distributed.distributed_c10d _tensor_to_object, torch.distributed.checkpoint load, torch.distributed.checkpoint.filesystem FileSystemReader.read_metadata, torch.distributed.flight_recorder.components.loader read_dump, torch.multiprocessing spawn, torch.package PackageImporter, torch.package.package_importer PackageImporter, torch.utils.cpp_extension load_inline, torch.utils.cpp_extension load, torch.utils.model_zoo load_url, torch.utils.show_pickle main, torch.utils.model_dump main, torch.utils.benchmark Timer, torch.utils.tensorboard SummaryWriter, torch.testing._internal.common_utils run_tests, torch._export.serde.serialize deserialize, torch.export load, torch.cuda._memory_viz _main, torch._C import_ir_module, torch.ops load_library, torch._ops _OpNamespace, torch.classes load_library, torch.utils._strobelight.cli_function_profiler StrobelightCLIFunctionProfiler, torch.onnx export, torch.serialization os.system, torch.serialization os, torch os, numpy.core os, numpy sys",
  ],
  [
    "documents of packages",
    "numpy fromfile, numpy memmap, numpy.ctypeslib load_library, numpy vectorize, pandas read_pickle, pandas eval, pandas.io.pickle read_pickle, pandas.io.common get_handle, pandas.core.computation.eval eval, pandas.core.frame DataFrame.eval, pandas.core.frame DataFrame.query, sympy sympify, sympy.parsing.sympy_parser parse_expr, sympy.core.sympify sympify, sympy.utilities.lambdify lambdify, networkx read_gpickle, networkx.readwrite.gpickle read_gpickle, PIL.ImageMath eval, PIL.ImageMath unsafe_eval, PIL.Image open, PIL.ImageShow show, cffi FFI, _cffi_backend FFI, numba jit, numba.core.serialize _unpickle__CustomPickled, jinja2 Template, jinja2.environment Environment, flask Flask, django.core.management execute_from_command_line, paramiko SSHClient, httpx get, urllib3 PoolManager, boto3 client, sklearn.externals.joblib load, jsonpickle decode, mlflow load_model, huggingface_hub hf_hub_download, transformers pipeline, transformers.dynamic_module_utils get_class_from_dynamic_module, keras.models load_model, keras.src.saving.saving_lib load_model, tensorflow load_op_library, tensorflow.io read_file, tensorflow.raw_ops ReadFile, h5py File, fsspec open, IPython.utils.process system, pexpect.pty_spawn spawn, sh bash, six.moves.builtins eval, six.moves cPickle, joblib.externals.cloudpickle loads, joblib Parallel, joblib.numpy_pickle load, setuptools.sandbox run_setup, antigravity geohash, rlcompleter Completer, cgitb enable, tkinter Tk, turtle Screen, getpass getpass, time sleep, msilib init_database, wsgiref.simple_server make_server",
  ],
]

/** Each global with its source. */
export const ADVISORY_GLOBALS: readonly (readonly [module: string, name: string, source: string])[] =
  ROWS.flatMap(([source, globals]) =>
    globals.split(/,\s*/).map((global) => [...(global.split(" ") as [string, string]), source] as const),
  )

/** Globals that checkpoints of all kinds name and that nothing bad is known of. */
export const BENIGN_GLOBALS: readonly (readonly [module: string, name: string])[] = (
  "torch.jit._pickle build_intlist, __torch__.net Net, collections OrderedDict, collections deque, collections namedtuple, collections Counter, collections.abc Mapping, " +
  "datetime datetime, datetime timedelta, datetime timezone, pathlib PosixPath, pathlib WindowsPath, pathlib PurePosixPath, " +
  "pathlib._local PosixPath, argparse Namespace, types SimpleNamespace, types MappingProxyType, decimal Decimal, " +
  "fractions Fraction, uuid UUID, enum Enum, random Random, re _compile, io BytesIO, _io BytesIO, io StringIO, logging getLogger, " +
  "logging Logger, urllib.parse ParseResult, http HTTPStatus, inspect Signature, inspect Parameter, inspect _empty, typing Any, " +
  "typing Optional, string Template, zoneinfo ZoneInfo._unpickle, builtins object, builtins range, builtins slice, builtins print, " +
  "builtins Exception, builtins ValueError, __builtin__ xrange, __builtin__ unicode, copy deepcopy, math sqrt, functools wraps, " +
  "numpy ndarray, numpy dtype, numpy float64, numpy bool_, numpy.core.multiarray _reconstruct, numpy.core.multiarray scalar, " +
  "numpy._core.multiarray _reconstruct, numpy._core.multiarray scalar, numpy._core.numeric _frombuffer, numpy.dtypes Float64DType, " +
  "numpy.random._pickle __randomstate_ctor, numpy.random._pickle __bit_generator_ctor, numpy.random._mt19937 MT19937, " +
  "numpy.ma.core _mareconstruct, scipy.sparse._csr csr_matrix, pandas.core.frame DataFrame, pandas.core.indexes.base _new_Index, " +
  "pandas._libs.internals _unpickle_block, sklearn.linear_model._base LinearRegression, sklearn.pipeline Pipeline, " +
  "joblib.numpy_pickle NumpyArrayWrapper, xgboost.sklearn XGBClassifier, lightgbm.basic Booster, " +
  "torch.nn.modules.linear Linear, torch.nn.modules.container Sequential, torch.nn.modules.container ParameterDict, " +
  "torch.nn.modules.module Module, torch.nn.modules.conv Conv2d, torch.nn.modules.batchnorm BatchNorm2d, " +
  "torch.nn.modules.activation ReLU, torch.nn.modules.transformer TransformerEncoder, torch.nn.functional relu, " +
  "torch._C._nn gelu, torch._C Generator, torch Generator, torch.optim.adamw AdamW, torch.optim.sgd SGD, " +
  "torch.optim.lr_scheduler LambdaLR, torch.optim.lr_scheduler CosineAnnealingLR, torch.utils.data.dataloader DataLoader, " +
  "torch.utils.data.dataset TensorDataset, torch.utils.data.sampler RandomSampler, torch.cuda.amp.grad_scaler GradScaler, " +
  "torch.amp.grad_scaler GradScaler, torch.distributed.fsdp.fully_sharded_data_parallel FullyShardedDataParallel, " +
  "torch.distributed.checkpoint.metadata Metadata, torch.distributed.checkpoint.metadata TensorStorageMetadata, " +
  "torch.distributed.device_mesh DeviceMesh, torch.distributed.tensor DTensor, torch.distributed._shard.sharded_tensor.api ShardedTensor, " +
  "torch._dynamo.eval_frame OptimizedModule, torch.ao.quantization.observer MinMaxObserver, torch.nn.utils.weight_norm WeightNorm, " +
  "torch.nn.parallel.data_parallel DataParallel, torch.fx.graph_module GraphModule, torch.autograd.function Function, " +
  "torchvision.models.resnet ResNet, torchvision.models.resnet BasicBlock, torchvision.transforms.transforms Compose, " +
  "torchaudio.transforms._transforms MelSpectrogram, timm.models.vision_transformer VisionTransformer, " +
  "transformers.training_args TrainingArguments, transformers.training_args OptimizerNames, transformers.training_args_seq2seq Seq2SeqTrainingArguments, " +
  "transformers.trainer_utils IntervalStrategy, transformers.trainer_utils SchedulerType, transformers.trainer_utils HubStrategy, " +
  "transformers.trainer_utils SaveStrategy, transformers.trainer_pt_utils AcceleratorConfig, transformers.integrations.deepspeed HfTrainerDeepSpeedConfig, " +
  "transformers.models.bert.modeling_bert BertModel, transformers.models.bert.configuration_bert BertConfig, " +
  "transformers.activations GELUActivation, transformers.tokenization_utils_fast PreTrainedTokenizerFast, tokenizers Tokenizer, " +
  "transformers.utils.logging get_logger, accelerate.state PartialState, accelerate.utils.dataclasses DistributedType, " +
  "accelerate.utils.dataclasses DeepSpeedPlugin, peft.peft_model PeftModel, peft.tuners.lora.config LoraConfig, trl.trainer.sft_config SFTConfig, " +
  "pytorch_lightning.callbacks.model_checkpoint ModelCheckpoint, pytorch_lightning.callbacks.early_stopping EarlyStopping, " +
  "lightning.pytorch.callbacks.model_checkpoint ModelCheckpoint, pytorch_lightning.utilities.parsing AttributeDict, " +
  "lightning_fabric.utilities.data AttributeDict, omegaconf.dictconfig DictConfig, omegaconf.listconfig ListConfig, " +
  "omegaconf.base ContainerMetadata, omegaconf.base Metadata, omegaconf.nodes AnyNode, easydict EasyDict, " +
  "ultralytics.nn.tasks DetectionModel, models.yolo Model, models.common Conv, detectron2.config.config CfgNode, " +
  "mmcv.utils.config ConfigDict, fairseq.data.dictionary Dictionary, espnet2.tasks.asr ASRTask, speechbrain.processing.features InputNormalization, " +
  "deepspeed.runtime.fp16.loss_scaler LossScaler, deepspeed.utils.tensor_fragment fragment_address, megatron.core.enums ModelType, " +
  "megatron.training.arguments Namespace, stable_baselines3.common.policies ActorCriticPolicy, gymnasium.spaces.box Box, " +
  "PIL.Image Image, jax._src.array _reconstruct_array, flax.core.frozen_dict FrozenDict, keras.src.models.sequential Sequential, " +
  "keras.engine.sequential Sequential, sympy.core.numbers Integer, networkx.classes.graph Graph, networkx.classes.digraph DiGraph, " +
  "nltk.tokenize.punkt PunktSentenceTokenizer, gensim.models.keyedvectors KeyedVectors, spacy.vocab unpickle_vocab, " +
  "__main__ Net, __main__ Config, model GPT, model GPTConfig, utils AverageMeter, test Net, networks.unet UNet, os_utils system, " +
  "my.os system, builtins evaluate, torch loader, torch.compiler is_compiling, compiler.model Net, pipes_net Net"
)
  .split(/,\s*/)
  .map((global) => global.split(" ") as [string, string])
