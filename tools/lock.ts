/**
 * What the lock file must hold beyond what npm puts in it. The registry does not serve every platform package that libraries
 * name as optional; npm leaves those out of the lock without a word, and the next `npm ci` refuses the lock because they
 * are missing. An entry that only says for which platform it is satisfies npm, which then never asks for it elsewhere.
 */

export interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface Lock {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockEntry>>;
}

export interface MissingPackage {
  /** The lock entry that wants it. */
  readonly wantedBy: string;
  readonly name: string;
  readonly range: string;
  readonly dev: boolean;
}

/** Optional dependencies that no lock entry answers. */
export function missingPackages(lock: Lock): MissingPackage[] {
  return Object.entries(lock.packages).flatMap(([place, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => !isLocked(lock, place, name))
      .map(([name, range]) => ({ wantedBy: place, name, range, dev: entry.dev === true })),
  );
}

/** Looks where Node would: beside the package, then in each folder above it. */
function isLocked(lock: Lock, place: string, name: string): boolean {
  for (let folder = place; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const candidate = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (lock.packages[candidate] !== undefined) return true;
    if (folder === "") return false;
    if (!folder.includes("/node_modules/")) folder = "";
  }
}

const systems = ["linux", "darwin", "win32", "android", "freebsd", "openharmony", "netbsd", "openbsd", "sunos", "aix"];
const processors: Readonly<Record<string, string>> = {
  amd64: "x64",
  arm: "arm",
  arm64: "arm64",
  armhf: "arm",
  ia32: "ia32",
  loong64: "loong64",
  mips64el: "mips64el",
  ppc64: "ppc64",
  ppc64le: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  x64: "x64",
};

/** The platform is read from the name; where the name says nothing, a platform that nobody has. */
export function stubFor({ name, range, dev }: MissingPackage): LockEntry {
  const words = name.split(/[-/@.]/);
  return {
    version: range.replace(/^[~^>=v\s]+/, ""),
    cpu: [words.map((word) => processors[word]).find((cpu) => cpu !== undefined) ?? "none"],
    ...(dev ? { dev: true } : {}),
    ...(words.some((word) => word.includes("musl")) ? { libc: ["musl"] } : {}),
    optional: true,
    os: [systems.find((system) => words.includes(system)) ?? "none"],
  };
}

/** The same lock with a stub for every missing package, entries in npm's order. */
export function withStubs(lock: Lock): Lock {
  const stubs = missingPackages(lock).map((missing) => [`node_modules/${missing.name}`, stubFor(missing)] as const);
  const entries = [...Object.entries(lock.packages), ...stubs].sort(([left], [right]) => (left < right ? -1 : 1));
  return { ...lock, packages: Object.fromEntries(entries) };
}
