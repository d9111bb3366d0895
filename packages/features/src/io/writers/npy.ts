/**
 * NPY (NumPy's format, NEP 1, version 2.0): one array of records, `time_ns` an `<i8` and every other column an `<f8` with NaN for null, so that
 * `numpy.load(file)["ofi_10s"]` is a column and `numpy.load(file, mmap_mode="r")` reads no more than it must. The schema lies beside it in
 * `FILE.schema.json`.
 */
import { openPartFile, writeWhole } from "./part-file.ts";
import { schemaText, type OutputSchema } from "./output-schema.ts";
import { epochTimes, type RowBlock, type TableWriter } from "./table.ts";

export async function npyTable(path: string, schema: OutputSchema): Promise<TableWriter> {
  const file = await openPartFile(path);
  let count = 0;
  await file.write(npyHeader(schema, count));
  return {
    async write(block) {
      count += block.count;
      await file.write(npyRecords(block, BigInt(schema.originNs)));
    },
    async finish() {
      await file.writeAt(npyHeader(schema, count), 0);
      await writeWhole(`${path}.schema.json`, `${schemaText(schema)}\n`);
      await file.finish();
    },
    abort: () => file.abort(),
  };
}

/** As long for any count of rows: the shape is padded with spaces, which the format allows. */
function npyHeader({ columns }: OutputSchema, count: number): Uint8Array {
  const fields = columns.map(({ name, type }) => `(${pythonText(name)}, '${type === "int64" ? "<i8" : "<f8"}')`);
  const shape = `(${count},)`.padEnd(24);
  const dictionary = `{'descr': [${fields.join(", ")}], 'fortran_order': False, 'shape': ${shape}, }`;
  const prefixSize = 12;
  const size = Math.ceil((prefixSize + dictionary.length + 1) / 64) * 64;
  const bytes = new Uint8Array(size).fill(0x20);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0]);
  new DataView(bytes.buffer).setUint32(8, size - prefixSize, true);
  bytes.set(new TextEncoder().encode(dictionary), prefixSize);
  bytes[size - 1] = 0x0a;
  return bytes;
}

/** Names of columns are ASCII but for those of instruments, which a venue chose. */
function pythonText(text: string): string {
  const escaped = text.replace(/[^ -~]|['\\]/gu, (sign) => {
    const code = sign.codePointAt(0) as number;
    if (sign === "'" || sign === "\\") return `\\${sign}`;
    return code < 0x1_0000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
  });
  return `'${escaped}'`;
}

function npyRecords(block: RowBlock, originNs: bigint): Uint8Array {
  const { count, width, values } = block;
  const records = new Float64Array(count * (width + 1));
  const times = new BigInt64Array(records.buffer);
  const epoch = epochTimes(block, originNs);
  for (let row = 0; row < count; row++) {
    times[row * (width + 1)] = epoch[row] as bigint;
    records.set(values.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  }
  return new Uint8Array(records.buffer);
}
