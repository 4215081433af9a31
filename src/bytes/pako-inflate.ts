/** The part of pako that is used, in a chunk of its own: most checkpoints have nothing to inflate. */

export { Inflate } from "pako"
