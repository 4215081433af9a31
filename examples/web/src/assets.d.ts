/** What Vite makes of imports that are no TypeScript. */

declare module "*?worker&inline" {
  const WorkerClass: new () => Worker
  export default WorkerClass
}

/** A `data:` URL. */
declare module "*.pt?inline" {
  const url: string
  export default url
}

declare module "*.css"
