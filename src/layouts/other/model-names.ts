/** What a file's name says: whether it was meant as a model, whatever it holds. */

/**
 * `model`: it has an ending that only checkpoints and pickles have. `ambiguous`: an ending that checkpoints have, and other
 * files too. `other`: none of these.
 */
export type NameMeaning = "model" | "ambiguous" | "other"

/**
 * Endings of torch, of pickle and joblib, and of what is made of them. Scanners go by the same ones (picklescan,
 * modelscan). `.dat` and `.data` are none: too much else is called so.
 */
const MODEL =
  /\.(?:pt|pth|pt2|pth2|pte|ptl|ckpt|th|tor|torch|jit|pkl|pickle|pck|pcl|p|joblib|jbl|dill|cpkl|cloudpickle|safetensors|sft|mar|nemo|pth\.tar|pt\.tar|ckpt\.tar)$/

/** Raw data and tokenizers are called so as well. */
const AMBIGUOUS = /\.(?:bin|model)$/

/** What compresses a file, keeps an older one or one that is not whole adds to its name. */
const ADDED =
  /\.(?:gz|gzip|bz2|xz|lzma|z|zz|zlib|zst|zstd|lz4|sz|br|zip|7z|bak|backup|old|orig|tmp|temp|part|partial|incomplete|crdownload|download|[0-9]{1,4})$/

/** Endings that are taken off one after the other. */
const MOST_ADDED = 3

/** What the name of a file, without its folders, means. Only its ending counts, in any case. */
export function meaningOf(name: string): NameMeaning {
  let rest = name.toLowerCase()
  for (let taken = 0; taken <= MOST_ADDED; taken++) {
    if (MODEL.test(rest)) return "model"
    if (AMBIGUOUS.test(rest)) return "ambiguous"
    if (!ADDED.test(rest)) break
    rest = rest.replace(ADDED, "")
  }
  return "other"
}
