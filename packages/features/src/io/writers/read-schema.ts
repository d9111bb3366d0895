/** The schema that a file of features carries: out of its metadata, or out of what lies beside it. */
import { open, readFile } from "node:fs/promises";
import { extname } from "node:path";
import { optionalLibrary, OutputRefusal } from "./output-refusal.ts";
import { parseSchema, schemaKey, type OutputSchema } from "./output-schema.ts";

/** Refuses what is no output of this library. */
export async function readSchema(path: string): Promise<OutputSchema> {
  const text = await schemaTextOf(path);
  const schema = text === undefined ? undefined : parseSchema(text);
  if (schema === undefined) {
    throw new OutputRefusal(`${path} says nothing of its columns: a file is wanted that this library has written`);
  }
  return schema;
}

async function schemaTextOf(path: string): Promise<string | undefined> {
  switch (extname(path).toLowerCase()) {
    case ".parquet":
      return parquetText(path);
    case ".arrow":
    case ".feather":
    case ".arrows":
      return arrowText(path);
    case ".json":
      return readFile(path, "utf8");
    case ".csv":
    case ".npy":
      return readFile(`${path}.schema.json`, "utf8").catch((error: unknown) => {
        throw new OutputRefusal(
          `${path} has no schema beside it: ${path}.schema.json cannot be read (${(error as { code?: string }).code})`,
        );
      });
    default:
      throw new OutputRefusal(`${path} is no .parquet, .arrow, .feather, .arrows, .csv, .npy or .json`);
  }
}

async function parquetText(path: string): Promise<string | undefined> {
  const { asyncBufferFromFile, parquetMetadataAsync } = await optionalLibrary(
    "hyparquet",
    "Parquet files",
    () => import("hyparquet"),
  );
  const metadata = await parquetMetadataAsync(await asyncBufferFromFile(path)).catch((error: unknown) => {
    throw unreadable(path, "Parquet", error);
  });
  return metadata.key_value_metadata?.find(({ key }) => key === schemaKey)?.value;
}

async function arrowText(path: string): Promise<string | undefined> {
  const { RecordBatchReader } = await optionalLibrary("apache-arrow", "Arrow files", () => import("apache-arrow"));
  const handle = await open(path);
  try {
    const reader = await RecordBatchReader.from(handle.createReadStream());
    await reader.open();
    return reader.schema.metadata.get(schemaKey);
  } catch (error) {
    throw unreadable(path, "Arrow", error);
  } finally {
    await handle.close().catch(() => undefined);
  }
}

const unreadable = (path: string, format: string, error: unknown): OutputRefusal =>
  new OutputRefusal(`${path} cannot be read as ${format}: ${error instanceof Error ? error.message : String(error)}`);
