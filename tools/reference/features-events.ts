/** Writes the events of the reference market, as lines of JSON, to the file that is named: what `features_numpy.py` reads. It knows no feature. */
import { writeFileSync } from "node:fs";
import { linesOf, referenceMarket } from "../../packages/features/test/support/reference-market.ts";

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error("usage: features-events.ts <file>");
writeFileSync(path, linesOf(referenceMarket()));
