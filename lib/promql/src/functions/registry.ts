// Every function without a range-vector argument, by name.
import type { FunctionImplementation } from "./contract.ts";
import { dateFunctions } from "./date-functions.ts";
import { histogramFunctions } from "./histograms/histogram-functions.ts";
import { infoFunctions } from "./info/info.ts";
import { labelFunctions } from "./label-functions.ts";
import { mathFunctions } from "./math/elementwise-math.ts";
import { scalarFunctions } from "./scalar-functions.ts";
import { sortFunctions } from "./sorting/sort-functions.ts";

/** What the engine looks calls up in. Range-vector functions are its own. */
export const functionImplementations: ReadonlyMap<string, FunctionImplementation> = new Map<
  string,
  FunctionImplementation
>([
  ...mathFunctions,
  ...dateFunctions,
  ...scalarFunctions,
  ...sortFunctions,
  ...labelFunctions,
  ...histogramFunctions,
  ...infoFunctions,
]);
