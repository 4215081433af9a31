import { toSafetensors } from "../node/index.ts"
const [input = "", output = ""] = process.argv.slice(2)
console.log((await toSafetensors(input, output, { overwrite: true })).tensorCount, process.memoryUsage().rss / 1e6, process.resourceUsage().maxRSS / 1e3)
