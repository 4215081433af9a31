/**
 * What globals are that training leaves in checkpoints and that nobody has found a harm in. They are refused all the same:
 * only their own code knows what their data means. Rows as in the tables of dangers; the first that covers a global counts.
 */

import { ANY } from "./danger-row.ts"

/** What a global is, as the rest of a sentence that begins with its name and "is". */
export interface KnownGlobalKind {
  readonly what: string
  /** Where that is written, as in the tables of dangers. */
  readonly source: string
}

type Row = readonly [modules: string, names: string, what: string, source: string]

const ROWS: readonly Row[] = [
  // Python
  ["pathlib pathlib._local", ANY, "a path", "docs.python.org/3/library/pathlib.html"],
  [
    "argparse optparse",
    "Namespace Values",
    "the options of a command line",
    "docs.python.org/3/library/argparse.html",
  ],
  [
    "types",
    "SimpleNamespace MappingProxyType",
    "a set of named values",
    "docs.python.org/3/library/types.html",
  ],
  ["datetime", ANY, "a date or a time", "docs.python.org/3/library/datetime.html"],
  ["zoneinfo dateutil pytz", ANY, "a time zone", "docs.python.org/3/library/zoneinfo.html"],
  ["time", "struct_time", "a date or a time", "docs.python.org/3/library/time.html"],
  ["decimal _decimal _pydecimal fractions", ANY, "a number", "docs.python.org/3/library/decimal.html"],
  ["uuid", "UUID SafeUUID", "an identifier", "docs.python.org/3/library/uuid.html"],
  ["enum", ANY, "a value of an enumeration", "docs.python.org/3/library/enum.html"],
  ["random _random", "Random SystemRandom", "a random generator", "docs.python.org/3/library/random.html"],
  [
    "collections _collections collections.abc",
    "deque namedtuple ChainMap UserDict UserList UserString",
    "a collection",
    "docs.python.org/3/library/collections.html",
  ],
  ["UserDict UserList", ANY, "a collection", "docs.python.org/2/library/userdict.html"],
  [
    "builtins __builtin__",
    "range slice object iter xrange enumerate reversed zip",
    "a value of Python",
    "docs.python.org/3/library/functions.html",
  ],
  [
    "builtins __builtin__",
    "print",
    "a function that prints text",
    "docs.python.org/3/library/functions.html#print",
  ],
  ["logging", ANY, "a logger", "docs.python.org/3/library/logging.html"],
  ["io _io", "BytesIO StringIO", "a file in memory", "docs.python.org/3/library/io.html"],
  ["re _sre", ANY, "a regular expression", "docs.python.org/3/library/re.html"],
  [
    "base64 binascii zlib codecs _codecs",
    ANY,
    "a function that decodes bytes, in which names can be hidden",
    "promptfoo/modelaudit, policy of its picklescan",
  ],
  ["typing", ANY, "a type annotation", "docs.python.org/3/library/typing.html"],
  [
    "easydict addict munch box ml_collections yacs.config",
    ANY,
    "a configuration",
    "pypi.org/project/easydict",
  ],
  [
    "__main__",
    ANY,
    "a class or function of the script that wrote the file",
    "docs.python.org/3/library/__main__.html",
  ],

  // NumPy, SciPy, pandas, scikit-learn
  ["numpy.core.multiarray numpy._core.multiarray", "scalar", "a NumPy number", "numpy/_core/multiarray.py"],
  [
    "numpy.core.multiarray numpy._core.multiarray numpy.core.numeric numpy._core.numeric",
    "_reconstruct _frombuffer",
    "a NumPy array",
    "numpy/_core/multiarray.py",
  ],
  ["numpy", "ndarray matrix", "a NumPy array", "numpy.org/doc/stable/reference/arrays.ndarray.html"],
  ["numpy", "dtype", "the type of a NumPy array", "numpy.org/doc/stable/reference/arrays.dtypes.html"],
  ["numpy.dtypes", ANY, "the type of a NumPy array", "numpy.org/doc/stable/reference/routines.dtypes.html"],
  ["numpy.random", ANY, "a random generator of NumPy", "numpy.org/doc/stable/reference/random"],
  ["numpy.ma", ANY, "a masked NumPy array", "numpy.org/doc/stable/reference/maskedarray.html"],
  [
    "numpy",
    "bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 float128 longdouble complex64 complex128 str_ bytes_ void object_ datetime64 timedelta64",
    "a NumPy number, or its type",
    "numpy.org/doc/stable/reference/arrays.scalars.html",
  ],
  ["scipy.sparse", ANY, "a sparse matrix of SciPy", "docs.scipy.org/doc/scipy/reference/sparse.html"],
  ["scipy", ANY, "an object of SciPy", "docs.scipy.org/doc/scipy/reference"],
  ["pandas", ANY, "a table or column of pandas", "pandas.pydata.org/docs/reference"],
  ["sklearn", ANY, "a model or tool of scikit-learn", "scikit-learn.org/stable/model_persistence.html"],
  [
    "xgboost lightgbm catboost",
    ANY,
    "a model of decision trees",
    "scikit-learn.org/stable/model_persistence.html",
  ],
  [
    "joblib.numpy_pickle",
    "NumpyArrayWrapper NDArrayWrapper ZNDArrayWrapper",
    "an array that joblib writes between the opcodes of the pickle",
    "joblib/numpy_pickle.py",
  ],

  // torch
  [
    "torch.distributed.tensor torch.distributed._tensor",
    ANY,
    "a distributed tensor (DTensor), or a part of one",
    "docs.pytorch.org/docs/stable/distributed.tensor.html",
  ],
  [
    "torch.distributed.device_mesh torch.distributed._mesh_layout torch.distributed._shard torch.distributed.fsdp",
    ANY,
    "a part of a distributed tensor",
    "docs.pytorch.org/docs/stable/distributed.tensor.html",
  ],
  [
    "torch.distributed.checkpoint",
    ANY,
    "a part of a distributed checkpoint",
    "docs.pytorch.org/docs/stable/distributed.checkpoint.html",
  ],
  [
    "torch.optim.lr_scheduler",
    ANY,
    "a schedule of learning rates",
    "docs.pytorch.org/docs/stable/optim.html",
  ],
  ["torch.optim", ANY, "an optimizer, saved as a whole object", "docs.pytorch.org/docs/stable/optim.html"],
  [
    "torch.nn.modules.container torch.nn",
    "ParameterDict ParameterList",
    "a dict or list of parameters, saved as a module",
    "docs.pytorch.org/docs/stable/generated/torch.nn.ParameterDict.html",
  ],
  [
    "torch.nn torch.ao.nn torch.nn.quantized torch.nn.intrinsic torch._dynamo.eval_frame",
    ANY,
    "a module: the model was saved as a whole object, not its state_dict()",
    "docs.pytorch.org/docs/stable/notes/serialization.html",
  ],
  [
    "torch._C",
    "Generator",
    "a random generator",
    "docs.pytorch.org/docs/stable/generated/torch.Generator.html",
  ],
  ["torch", "Generator", "a random generator", "docs.pytorch.org/docs/stable/generated/torch.Generator.html"],
  [
    "torch._C._nn torch.nn.functional torch._C._VariableFunctions",
    ANY,
    "a function of torch, such as an activation",
    "docs.pytorch.org/docs/stable/nn.functional.html",
  ],
  ["torch.utils.data", ANY, "a part of a data loader", "docs.pytorch.org/docs/stable/data.html"],
  ["torch.jit._pickle", ANY, "a list or a reference of TorchScript or C++", "torch/jit/_pickle.py"],
  ["__torch__", ANY, "a class of a TorchScript program", "docs.pytorch.org/docs/stable/jit.html"],
  ["torch.amp torch.cuda.amp", ANY, "a scaler of gradients", "docs.pytorch.org/docs/stable/amp.html"],
  [
    "torchvision.transforms torchaudio.transforms",
    ANY,
    "a transform of images or sound",
    "docs.pytorch.org/vision/stable/transforms.html",
  ],
  [
    "torchvision timm segmentation_models_pytorch",
    ANY,
    "a part of an image model, saved as a whole object",
    "docs.pytorch.org/vision/stable/models.html",
  ],
  ["torchaudio", ANY, "a part of a sound model, saved as a whole object", "docs.pytorch.org/audio/stable"],
  [
    "torch_geometric torch_sparse",
    ANY,
    "a graph, or a part of a graph model",
    "pytorch-geometric.readthedocs.io",
  ],
  ["torchao bitsandbytes", ANY, "a quantized tensor, or a part of one", "docs.pytorch.org/ao/stable"],
  ["torch", ANY, "an object of torch", "docs.pytorch.org/docs/stable"],

  // Trainers and models
  [
    "pytorch_lightning.callbacks lightning.pytorch.callbacks lightning_fabric lightning.fabric pytorch_lightning.utilities lightning.pytorch.utilities",
    ANY,
    "a callback or tool of the Lightning trainer",
    "lightning.ai/docs/pytorch/stable/common/checkpointing_basic.html",
  ],
  [
    "pytorch_lightning lightning lightning_utilities",
    ANY,
    "a part of the Lightning trainer",
    "lightning.ai/docs/pytorch/stable",
  ],
  ["omegaconf hydra", ANY, "a configuration of Hydra (OmegaConf)", "omegaconf.readthedocs.io"],
  ["antlr4", ANY, "a part of a configuration of Hydra (OmegaConf)", "omegaconf.readthedocs.io"],
  [
    "transformers.training_args transformers.training_args_seq2seq transformers.trainer_utils transformers.trainer_pt_utils transformers.integrations transformers.debug_utils",
    ANY,
    "the arguments of the transformers trainer",
    "huggingface.co/docs/transformers/main_classes/trainer",
  ],
  [
    "trl peft accelerate axolotl sentence_transformers",
    ANY,
    "the arguments or a part of a trainer",
    "huggingface.co/docs/transformers/main_classes/trainer",
  ],
  [
    "transformers.tokenization_utils transformers.tokenization_utils_base tokenizers sentencepiece",
    ANY,
    "a tokenizer",
    "huggingface.co/docs/tokenizers",
  ],
  [
    "transformers diffusers",
    ANY,
    "a part of a model, saved as a whole object",
    "huggingface.co/docs/transformers",
  ],
  [
    "fairseq fairseq2 espnet espnet2 speechbrain nemo",
    ANY,
    "a part of a speech or translation toolkit",
    "fairseq.readthedocs.io",
  ],
  [
    "ultralytics models.yolo models.common models.experimental",
    ANY,
    "a part of a YOLO model, saved as a whole object",
    "docs.ultralytics.com",
  ],
  ["detectron2 mmcv mmengine mmdet mmseg", ANY, "a part of a detection toolkit", "mmengine.readthedocs.io"],
  [
    "stable_baselines3 gym gymnasium",
    ANY,
    "a part of an agent or its environment",
    "stable-baselines3.readthedocs.io",
  ],
  [
    "megatron deepspeed fairscale apex colossalai",
    ANY,
    "a part of a distributed trainer",
    "deepspeed.readthedocs.io",
  ],
  ["fastai fastcore fastprogress", ANY, "a part of a fastai learner", "docs.fast.ai"],
  ["jax jaxlib flax optax", ANY, "an array or tree of JAX", "docs.jax.dev"],
  [
    "tensorflow keras tf_keras",
    ANY,
    "a part of a Keras or TensorFlow model",
    "keras.io/api/models/model_saving_apis",
  ],
  ["PIL", ANY, "an image", "pillow.readthedocs.io"],
]

const BY_MODULE: ReadonlyMap<string, readonly Row[]> = /* @__PURE__ */ (() => {
  const table = new Map<string, Row[]>()
  for (const row of ROWS) {
    for (const module of row[0].split(" ")) table.set(module, [...(table.get(module) ?? []), row])
  }
  return table
})()

/** Parts of a module's name that are looked at. */
const MOST_PARTS = 16

/** What a global is; undefined when that is not known. For globals that are not known to be dangerous. */
export function findKnownGlobal(module: string, name: string): KnownGlobalKind | undefined {
  const first = name.split(".", 1)[0] ?? ""
  const parts = module.split(".", MOST_PARTS)
  for (let count = parts.length; count > 0; count--) {
    const next = parts[count] ?? first
    const row = BY_MODULE.get(parts.slice(0, count).join("."))?.find(
      ([, names]) => names === ANY || names.split(" ").includes(next),
    )
    if (row !== undefined) return { what: row[2], source: row[3] }
  }
  return undefined
}
