import { fileURLToPath } from "node:url"
import { checkCorpus } from "./corpus-checks.ts"

for (const name of ["oracle", "torch-1.13"]) {
  checkCorpus(`fixtures: ${name}`, fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)))
}
