/** What the process tells its caller. */

/** Exit codes. They are part of the interface: scripts branch on them. */
export const EXIT = {
  /** Done. */
  done: 0,
  /** The file was refused, or what was checked does not hold. */
  refused: 1,
  /** The command line was not understood. */
  usage: 2,
  /** Reading or writing failed. */
  io: 3,
  /** A defect of the program (EX_SOFTWARE of sysexits.h). */
  defect: 70,
  /** Ended from outside: 128 and the number of SIGINT, for every signal. */
  interrupted: 130,
} as const
