import { checkRoutes } from "./check-routes.ts"

checkRoutes("zip")
