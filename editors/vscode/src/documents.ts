/** The documents that the server is asked about. */

/** Python files, cells of notebooks wherever these lie, and TOML: rule packs of a workspace are written in it. */
export const DOCUMENTS = [
  { language: "python", scheme: "file" },
  { notebook: "jupyter-notebook", language: "python" },
  { pattern: "**/*.toml", scheme: "file" },
];
