/**
 * All that this extension uses of VS Code. No other file imports `vscode`, so what it takes to live in another version
 * of the editor, or in an editor like it, is on this page.
 */
import * as vscode from "vscode";

export type { Disposable, ExtensionContext, LogOutputChannel, TextEditor } from "vscode";

/** What the settings of this extension say. */
export interface Settings {
  readonly path: string;
  readonly args: readonly string[];
}

/** Whether the user trusts the workspace. */
export function isTrusted(): boolean {
  return vscode.workspace.isTrusted;
}

/** The folders of the workspace on disk, the first one first. */
export function folders(): string[] {
  return (vscode.workspace.workspaceFolders ?? [])
    .filter((folder) => folder.uri.scheme === "file")
    .map((folder) => folder.uri.fsPath);
}

/** The settings in force. In a workspace without trust VS Code leaves out what the workspace says. */
export function settings(): Settings {
  const section = vscode.workspace.getConfiguration("codeanatomy");
  return { path: section.get("path", ""), args: section.get("args", []) };
}

/** The part of the Python extension's public interface that says which environment the user selected. */
interface PythonExtension {
  readonly environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly path: string };
    readonly onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

async function pythonExtension(): Promise<PythonExtension | undefined> {
  return vscode.extensions.getExtension<PythonExtension>("ms-python.python")?.activate();
}

/** The Python environment, or interpreter, that the user selected in the Python extension, if that is installed. */
export async function selectedEnvironment(): Promise<string | undefined> {
  const python = await pythonExtension();
  return python?.environments?.getActiveEnvironmentPath(vscode.workspace.workspaceFolders?.[0]?.uri).path;
}

/** Calls back when the answer to "which server" may have changed. */
export async function onServerMayDiffer(call: () => void): Promise<vscode.Disposable> {
  const python = await pythonExtension();
  const subscriptions = [
    vscode.workspace.onDidGrantWorkspaceTrust(call),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("codeanatomy.path") || change.affectsConfiguration("codeanatomy.args")) call();
    }),
  ];
  const selected = python?.environments?.onDidChangeActiveEnvironmentPath(call);
  if (selected) subscriptions.push(selected);
  return vscode.Disposable.from(...subscriptions);
}

/** The output channel of this extension. */
export function outputChannel(): vscode.LogOutputChannel {
  return vscode.window.createOutputChannel("CodeAnatomy", { log: true });
}

/** Makes a command of the palette do something. */
export function onCommand<Arguments extends unknown[]>(name: string, run: (...given: Arguments) => unknown): vscode.Disposable {
  return vscode.commands.registerCommand(name, run);
}

/** The editor that the user types in, if any. */
export function activeEditor(): vscode.TextEditor | undefined {
  return vscode.window.activeTextEditor;
}

/** A place as the server writes it. */
interface Place {
  readonly uri: string;
  readonly range: { readonly start: Point; readonly end: Point };
}

interface Point {
  readonly line: number;
  readonly character: number;
}

/** Shows places in the list of references below a position. */
export async function showReferences(uri: string, at: Point, places: readonly Place[]): Promise<void> {
  const position = (point: Point): vscode.Position => new vscode.Position(point.line, point.character);
  const locations = places.map(
    ({ uri, range }) => new vscode.Location(vscode.Uri.parse(uri), new vscode.Range(position(range.start), position(range.end))),
  );
  await vscode.commands.executeCommand("editor.action.showReferences", vscode.Uri.parse(uri), position(at), locations);
}

/** Tells the user something that needs no answer. */
export function tell(message: string): void {
  void vscode.window.showInformationMessage(message);
}

/** Tells the user what went wrong; true if they want to see the output channel. */
export async function warn(message: string): Promise<boolean> {
  return (await vscode.window.showErrorMessage(message, "Show output")) !== undefined;
}

/** How the server is, beside the language of a Python file. */
export class StatusItem {
  private readonly item: vscode.LanguageStatusItem;

  constructor(command: string) {
    this.item = vscode.languages.createLanguageStatusItem("codeanatomy", { language: "python" });
    this.item.name = "CodeAnatomy";
    this.item.command = { command, title: "Show output" };
  }

  busy(text: string): void {
    this.show(text, vscode.LanguageStatusSeverity.Information, true);
  }

  well(text: string): void {
    this.show(text, vscode.LanguageStatusSeverity.Information, false);
  }

  failed(text: string): void {
    this.show(text, vscode.LanguageStatusSeverity.Error, false);
  }

  dispose(): void {
    this.item.dispose();
  }

  private show(text: string, severity: vscode.LanguageStatusSeverity, busy: boolean): void {
    this.item.text = `CodeAnatomy: ${text}`;
    this.item.severity = severity;
    this.item.busy = busy;
  }
}

/** Shows Markdown as a read-only page beside the editor. A page of the same title takes its place. */
export class Pages {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly provider = vscode.workspace.registerTextDocumentContentProvider("codeanatomy", {
    onDidChange: this.changed.event,
    provideTextDocumentContent: (uri) => this.texts.get(uri.path) ?? "",
  });

  async show(title: string, markdown: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: "codeanatomy", path: `/${title}.md` });
    this.texts.set(uri.path, markdown);
    this.changed.fire(uri);
    await vscode.commands.executeCommand("markdown.showPreviewToSide", uri);
  }

  dispose(): void {
    this.provider.dispose();
    this.changed.dispose();
  }
}
