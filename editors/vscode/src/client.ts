/** The connection to one server: starts it, starts it again, and asks it what no editor asks by itself. */
import { accessSync, constants, statSync } from "node:fs";
import { LanguageClient, State, TransportKind } from "vscode-languageclient/node";
import { DOCUMENTS } from "./documents";
import type { Explanation } from "./explanation";
import { findServer } from "./server";
import {
  type Disposable,
  type LogOutputChannel,
  type StatusItem,
  type TextEditor,
  folders,
  isTrusted,
  selectedEnvironment,
  settings,
  warn,
} from "./vscodeapi";

/** The command with which the server lets this editor show a list of places; it is told that there is one. */
export const SHOW_REFERENCES = "codeanatomy.showReferences";

export class Connection implements Disposable {
  private client: LanguageClient | undefined;
  /** Starts and stops follow each other, however fast the reasons for them come. */
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly extension: string,
    private readonly output: LogOutputChannel,
    private readonly status: StatusItem,
  ) {}

  /** Starts the server that fits now, in place of the one that runs. */
  restart(): Promise<void> {
    this.last = this.last.then(async () => {
      await this.halt();
      await this.start();
    });
    return this.last;
  }

  /** Ends the server. */
  stop(): Promise<void> {
    this.last = this.last.then(() => this.halt());
    return this.last;
  }

  /** Why the word under the cursor means what it means; null if there is no word or no server. */
  async explain(editor: TextEditor): Promise<Explanation | null> {
    if (this.client?.state !== State.Running) return null;
    const parameters = this.client.code2ProtocolConverter.asTextDocumentPositionParams(editor.document, editor.selection.active);
    return this.client.sendRequest<Explanation | null>("codeanatomy/explain", parameters);
  }

  dispose(): void {
    void this.stop();
  }

  private async start(): Promise<void> {
    const { path, args } = settings();
    const trusted = isTrusted();
    const found = findServer({
      setting: path,
      environment: trusted ? await selectedEnvironment() : undefined,
      folders: folders(),
      trusted,
      extension: this.extension,
      searchPath: process.env["PATH"] ?? "",
      windows: process.platform === "win32",
      isProgram,
    });
    if (found.kind === "missing") {
      this.status.failed("no server");
      this.output.error(found.reason);
      if (await warn(found.reason)) this.output.show();
      return;
    }

    this.output.info(`Start ${found.command} (from ${found.from})`);
    this.status.busy("starting");
    const [cwd] = folders();
    const client = new LanguageClient(
      "codeanatomy",
      "CodeAnatomy",
      {
        command: found.command,
        args: ["lsp", ...(trusted ? args : [])],
        transport: TransportKind.stdio,
        // A program that looks for its own files in the current folder must not find those of a stranger.
        options: cwd !== undefined && trusted ? { cwd } : { cwd: this.extension },
      },
      {
        documentSelector: DOCUMENTS,
        // The server reads the environment and never runs it.
        initializationOptions: { codeanatomy: { python: (await selectedEnvironment()) ?? "" } },
        outputChannel: this.output,
        traceOutputChannel: this.output,
      },
    );
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) this.status.well(`running, from ${found.from}`);
      if (newState === State.Stopped) this.status.failed("stopped");
    });
    client.registerFeature({
      fillClientCapabilities: (capabilities) => {
        const known = capabilities.experimental as object | undefined;
        capabilities.experimental = { ...known, commands: { commands: [SHOW_REFERENCES] } };
      },
      initialize: () => undefined,
      getState: () => ({ kind: "static" }),
      clear: () => undefined,
    });
    this.client = client;
    try {
      await client.start();
    } catch (error) {
      this.status.failed("did not start");
      this.output.error(`${found.command} did not start: ${String(error)}`);
    }
  }

  private async halt(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client?.needsStop()) await client.stop();
    await client?.dispose();
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
