/** Runs before each file of tests, which may share its modules with others: what it makes is the same wherever it comes. */

import { beginKeysAnew } from "./property/model.ts"

beginKeysAnew()
