/**
 * Which server to start. Knows nothing of VS Code, and starts nothing: the surroundings come in as values, so a test can
 * say what is where.
 *
 * The order is: the setting, the selected Python environment, a virtual environment of the workspace, the server that
 * comes with the extension, PATH. A workspace without trust can name no program and can hold none: there the first three
 * are out, and so is every entry of PATH that lies in the workspace or is not absolute.
 */
import * as path from "node:path";

export interface Surroundings {
  /** The setting `codeanatomy.path`; empty if not set. */
  readonly setting: string;
  /** Environment folder or interpreter that the user selected. */
  readonly environment?: string | undefined;
  readonly folders: readonly string[];
  readonly trusted: boolean;
  /** Folder of the extension. */
  readonly extension: string;
  /** The variable PATH. */
  readonly searchPath: string;
  readonly windows: boolean;
  readonly isProgram: (file: string) => boolean;
}

export type Found =
  | { readonly kind: "found"; readonly command: string; readonly from: string }
  | { readonly kind: "missing"; readonly reason: string };

/** The server to start, or why there is none. */
export function findServer(around: Surroundings): Found {
  const { join } = around.windows ? path.win32 : path.posix;
  if (around.trusted && around.setting !== "") return fromSetting(around);

  const candidates: (readonly [file: string, from: string])[] = [];
  if (around.trusted) {
    for (const folder of environmentFolders(around)) {
      candidates.push([inEnvironment(folder, around), "the selected Python environment"]);
    }
    for (const folder of around.folders) {
      for (const name of [".venv", "venv"]) {
        candidates.push([inEnvironment(join(folder, name), around), `${name} of the workspace`]);
      }
    }
  }
  candidates.push([join(around.extension, "bundled", program(around)), "the extension"]);
  for (const folder of searchFolders(around)) candidates.push([join(folder, program(around)), "PATH"]);

  const found = candidates.find(([file]) => around.isProgram(file));
  if (found) return { kind: "found", command: found[0], from: found[1] };
  return { kind: "missing", reason: missing(around) };
}

function fromSetting(around: Surroundings): Found {
  const { isAbsolute, join } = around.windows ? path.win32 : path.posix;
  const [first] = around.folders;
  const named = first === undefined ? around.setting : around.setting.replaceAll("${workspaceFolder}", first);
  const command = isAbsolute(named) || first === undefined ? named : join(first, named);
  if (around.isProgram(command)) return { kind: "found", command, from: "the setting codeanatomy.path" };
  return { kind: "missing", reason: `The setting codeanatomy.path names ${command}, which is no program.` };
}

/** The selected environment is a folder, or an interpreter in the folder for programs of one. */
function environmentFolders(around: Surroundings): string[] {
  const { dirname } = around.windows ? path.win32 : path.posix;
  return around.environment === undefined ? [] : [around.environment, dirname(dirname(around.environment))];
}

function inEnvironment(folder: string, around: Surroundings): string {
  const { join } = around.windows ? path.win32 : path.posix;
  return join(folder, around.windows ? "Scripts" : "bin", program(around));
}

function searchFolders(around: Surroundings): string[] {
  const { delimiter, isAbsolute } = around.windows ? path.win32 : path.posix;
  const entries = around.searchPath.split(delimiter).filter((entry) => isAbsolute(entry));
  return around.trusted ? entries : entries.filter((entry) => !around.folders.some((folder) => isInside(entry, folder, around)));
}

function isInside(entry: string, folder: string, around: Surroundings): boolean {
  const { isAbsolute, relative } = around.windows ? path.win32 : path.posix;
  const way = relative(folder, entry);
  return way === "" || (way.split(/[\\/]/)[0] !== ".." && !isAbsolute(way));
}

function program(around: Surroundings): string {
  return around.windows ? "codeanatomy.exe" : "codeanatomy";
}

function missing(around: Surroundings): string {
  return around.trusted
    ? "No codeanatomy in the selected Python environment, the workspace or PATH. Install it there with `pip install codeanatomy`, or name it in the setting codeanatomy.path."
    : "No codeanatomy on PATH. Trust the workspace to use the one of its Python environment.";
}
