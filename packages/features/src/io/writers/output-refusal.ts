/** What stands in the way of writing or reading an output, in one sentence that names the file and what would do. */

export class OutputRefusal extends Error {
  override readonly name = "OutputRefusal";
}

/**
 * The optional library that a format needs. Absent, the refusal names the command that installs it.
 *
 * @example const arrow = await optionalLibrary("apache-arrow", "Arrow files", () => import("apache-arrow"));
 */
export async function optionalLibrary<Library>(
  name: string,
  purpose: string,
  load: () => Promise<Library>,
): Promise<Library> {
  try {
    return await load();
  } catch (error) {
    const code = (error as { readonly code?: unknown }).code;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw error;
    throw new OutputRefusal(`${purpose} need the package ${name}: npm install ${name}`);
  }
}
