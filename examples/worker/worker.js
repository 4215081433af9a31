/** Converts the files that the page sends, so that the page never waits. What comes back is made of slices of the file. */

import { isCheckpointError, toSafetensorsBlob } from "tosafetensors"

addEventListener("message", async ({ data: { id, file, options } }) => {
  try {
    const { blob, report } = await toSafetensorsBlob(file, options)
    postMessage({ id, blob, report })
  } catch (error) {
    // Errors lose what makes them ours on their way between threads; these texts do not.
    if (!isCheckpointError(error)) throw error
    const { code, message, nextStep } = error
    postMessage({ id, refused: { code, message, nextStep } })
  }
})
