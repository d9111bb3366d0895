/** All golden cases of the library. A new exported function joins by a line in the file of its area. */
import { closedCases } from "./cases-closed.ts";
import { monteCarloCases } from "./cases-monte-carlo.ts";
import { numericCases } from "./cases-numeric.ts";
import { portfolioCases } from "./cases-portfolio.ts";
import { surfaceCases } from "./cases-surface.ts";
import type { GoldenCase } from "./golden-case.ts";

export const goldenCases: readonly GoldenCase[] = [
  ...closedCases,
  ...surfaceCases,
  ...numericCases,
  ...monteCarloCases,
  ...portfolioCases,
];
