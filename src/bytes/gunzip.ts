/** The parts of fflate that inflating needs, in a module of its own: loaded when something is deflated, and no more. */

export { FlateErrorCode, Gunzip } from "fflate"
