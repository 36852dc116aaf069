import { createRequire } from "node:module";
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";

/** One `registerResource` request: all that an engine would act on. */
export type RegisteredResource = {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  /** URN; empty for the stack itself. */
  readonly parent: string;
  readonly isCustom: boolean;
  /** As on the wire, secrets still marked; see wire-values.ts. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** URN and id of the provider. */
  readonly provider: string;
  /** URNs, sorted. */
  readonly dependencies: readonly string[];
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  /** Empty: it is created. */
  readonly importId: string;
};

export type RecordedLog = { readonly severity: number; readonly message: string };

export type RecordingMonitor = {
  readonly address: string;
  /** In the order in which they arrived. */
  readonly registrations: readonly RegisteredResource[];
  /** By URN, as on the wire; the stack's are those that `pulumi stack output` shows. */
  readonly outputs: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly logs: readonly RecordedLog[];
  stop(): void;
};

/** The part of a protobuf struct that is used here; the SDK's generated code has no types of its own that resolve. */
type Struct = { toJavaScript(): Record<string, unknown> };
type Answer = {
  setUrn(urn: string): void;
  setId(id: string): void;
  setObject(object: Struct): void;
  setHassupport(isSupported: boolean): void;
};
type Request = {
  getId(): string;
  getUrn(): string;
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom(): boolean;
  getObject(): Struct | undefined;
  getOutputs(): Struct | undefined;
  getProvider(): string;
  getDependenciesList(): string[];
  getProtect(): boolean | undefined;
  getRetainondelete(): boolean | undefined;
  getImportid(): string;
  getSeverity(): number;
  getMessage(): string;
};
type Messages = Readonly<Record<string, new () => Answer>>;
type Handler = (request: Request) => Answer;

// the SDK that the program itself loads, wherever npm put it
const load = createRequire(new URL("../../../infra/programs/program.ts", import.meta.url));
const resourceMessages: Messages = load("@pulumi/pulumi/proto/resource_pb.js");
const engineMessages: Messages = load("@pulumi/pulumi/proto/engine_pb.js");
const { ResourceMonitorService }: Record<string, ServiceDefinition> = load(
  "@pulumi/pulumi/proto/resource_grpc_pb.js",
);
const { EngineService }: Record<string, ServiceDefinition> = load("@pulumi/pulumi/proto/engine_grpc_pb.js");
const fromPulumi = createRequire(load.resolve("@pulumi/pulumi"));
const { Empty }: Messages = fromPulumi("google-protobuf/google/protobuf/empty_pb.js");

/** What an engine of today offers a program, as far as it changes what the program sends. */
const FEATURES = ["secrets", "resourceReferences", "outputValues"];
const STACK_TYPE = "pulumi:pulumi:Stack";

/**
 * Records what a program registers, over the protocol of the Pulumi engine. It is a recorder and no engine: it has no
 * state, makes no diff, calls no provider, and answers every request with its own inputs.
 */
export async function startRecordingMonitor(project: string, stack: string): Promise<RecordingMonitor> {
  const registrations: RegisteredResource[] = [];
  const outputs = new Map<string, Readonly<Record<string, unknown>>>();
  const logs: RecordedLog[] = [];
  const types = new Map<string, string>();
  let root = "";

  const empty = () => answer({ Empty }, "Empty");
  const server = new Server();
  server.addService(
    defined(ResourceMonitorService),
    played(defined(ResourceMonitorService), {
      supportsFeature: (request) => {
        const response = answer(resourceMessages, "SupportsFeatureResponse");
        response.setHassupport(FEATURES.includes(request.getId()));
        return response;
      },
      registerResource: (request) => {
        const above = types.get(request.getParent());
        const type = request.getType();
        const qualified = above === undefined || above === STACK_TYPE ? type : `${above}$${type}`;
        const urn = `urn:pulumi:${stack}::${project}::${qualified}::${request.getName()}`;
        types.set(urn, qualified);
        registrations.push(recorded(request, urn));

        const response = answer(resourceMessages, "RegisterResourceResponse");
        response.setUrn(urn);
        if (request.getCustom()) response.setId(request.getImportid() || request.getName());
        const object = request.getObject();
        if (object !== undefined) response.setObject(object);
        return response;
      },
      registerResourceOutputs: (request) => {
        outputs.set(request.getUrn(), request.getOutputs()?.toJavaScript() ?? {});
        return empty();
      },
      signalAndWaitForShutdown: empty,
    }),
  );
  server.addService(
    defined(EngineService),
    played(defined(EngineService), {
      log: (request) => {
        logs.push({ severity: request.getSeverity(), message: request.getMessage() });
        return empty();
      },
      setRootResource: (request) => {
        root = request.getUrn();
        return answer(engineMessages, "SetRootResourceResponse");
      },
      getRootResource: () => {
        const response = answer(engineMessages, "GetRootResourceResponse");
        response.setUrn(root);
        return response;
      },
      requirePulumiVersion: () => answer(engineMessages, "RequirePulumiVersionResponse"),
    }),
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { address: `127.0.0.1:${port}`, registrations, outputs, logs, stop: () => server.forceShutdown() };
}

/** Handlers of all methods of a service; those that the recorder does not play answer "unimplemented". */
function played(service: ServiceDefinition, handlers: Readonly<Record<string, Handler>>) {
  return Object.fromEntries(
    Object.keys(service).map((method) => {
      const handle = handlers[method];
      return [
        method,
        ({ request }: ServerUnaryCall<Request, Answer>, reply: sendUnaryData<Answer>) =>
          handle === undefined
            ? reply({ code: status.UNIMPLEMENTED, details: `the recorder does not play ${method}` })
            : reply(null, handle(request)),
      ];
    }),
  );
}

function recorded(request: Request, urn: string): RegisteredResource {
  return {
    type: request.getType(),
    name: request.getName(),
    urn,
    parent: request.getParent(),
    isCustom: request.getCustom(),
    inputs: request.getObject()?.toJavaScript() ?? {},
    provider: request.getProvider(),
    dependencies: request.getDependenciesList().toSorted(),
    protect: request.getProtect() ?? false,
    retainOnDelete: request.getRetainondelete() ?? false,
    importId: request.getImportid(),
  };
}

function answer(messages: Readonly<Record<string, (new () => Answer) | undefined>>, name: string): Answer {
  return new (defined(messages[name]))();
}

function defined<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the Pulumi SDK's generated protocol code has changed");
  return value;
}
