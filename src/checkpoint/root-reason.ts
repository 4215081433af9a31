/** Why a root was taken. A closed set: whoever shows it finds the words. */

/**
 * - `lone-tensor`: the checkpoint is one tensor.
 * - `given`: the caller named it.
 * - `all`: the caller asked for every tensor.
 * - `holds-tensors`: the tensors lie in it, and no part of it is a state dict of its own.
 * - `only-part`: nothing else holds what may be a model's tensors.
 * - `state-dict`: it is a state dict, and beside it lie loose tensors.
 * - `well-known-key`: it lies under a well-known key of state dicts.
 */
export type RootReason =
  | "lone-tensor"
  | "given"
  | "all"
  | "holds-tensors"
  | "only-part"
  | "state-dict"
  | "well-known-key"
