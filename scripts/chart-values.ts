/** The values of the Helm chart: values.schema.json and the table in its README are made of them. */
import { AdmissionLimits } from '@trikd/core/spec/admission';
import { DatasetName } from '@trikd/core/spec/data-spec';
import { modelServiceConfig } from '@trikd/model-host/config';
import { ServingConfig } from '@trikd/model-host/serving/serving-config';
import { OidcConfig } from '@trikd/transport/access/oidc-config';
import { EndpointConfig } from '@trikd/transport/inference/endpoint-settings';
import { z } from 'zod';
import { OrchestratorConfig } from '../services/orchestrator/dist/config.js';

/** What Kubernetes, not the chart, checks. */
const ofKubernetes = (description: string) => z.record(z.string(), z.unknown()).describe(description);
const listOfKubernetes = (description: string) => z.array(z.record(z.string(), z.unknown())).describe(description);

const Text = z.string();
const Name = z.string().regex(/^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$/);
/** A name that is also the value of a label. */
const LabelValue = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
const Texts = z.record(z.string(), z.string());
const Quantity = z.union([z.string(), z.number()]);
const Quantities = z.record(z.string(), Quantity);
const Port = z.int().min(1).max(65_535);
const Duration = z.string().regex(/^(\d+(h|m|s))+$/);
const Digest = z.string().regex(/^(sha256:[0-9a-f]{64})?$/);
const Url = z.string().regex(/^(https?:\/\/[^/?#\s]+\/?)?$/);
const PullPolicy = z.enum(['Always', 'IfNotPresent', 'Never']);
const TrustDomain = z.string().regex(/^[a-z0-9._-]+$/);

const Resources = z.strictObject({
  requests: Quantities.optional().describe('what the scheduler reserves'),
  limits: Quantities.optional().describe('what the container may use'),
});

const image = {
  repository: Text.describe('with the registry, without a tag'),
  tag: Text.describe('empty for the services: the version of the application that the chart was made for'),
  digest: Digest.describe('such as sha256:…; replaces the tag'),
  pullPolicy: PullPolicy.describe('when the node asks the registry'),
};
const Image = z.strictObject(image);

const scheduling = {
  nodeSelector: Texts.describe('labels of the nodes'),
  tolerations: listOfKubernetes('of taints of nodes'),
  affinity: ofKubernetes('to nodes and to other pods'),
};

const ofPods = {
  priorityClassName: Name.describe('PriorityClass of the pods'),
  podLabels: Texts.describe('further labels of the pods'),
  podAnnotations: Texts.describe('annotations of the pods'),
  env: listOfKubernetes('further environment variables'),
  volumes: listOfKubernetes('further volumes'),
  volumeMounts: listOfKubernetes('their places'),
};

const ModelRole = z
  .strictObject({ resources: Resources.describe('of the container'), ...scheduling })
  .partial()
  .optional();

const RunClass = z.strictObject({
  teacher: ModelRole.describe('of the teacher-trainer, where it differs from the others'),
  student: ModelRole.describe('of the student-trainer, where it differs from the others'),
  anchor: ModelRole.describe(
    'of the anchor-server, where it differs from the others; it prefers a node with a trainer of its run',
  ),
  ...z.strictObject({ ...scheduling, ...ofPods }).partial().shape,
  image: Image.partial().optional().describe('where it differs from the image of the services, such as one with CUDA'),
  runtimeClassName: Name.optional().describe('RuntimeClass of the pods'),
  topology: z
    .strictObject({
      required: Text.optional().describe('label of nodes, such as kubernetes.io/hostname: no start elsewhere'),
      preferred: Text.optional().describe('label of nodes'),
    })
    .optional()
    .describe('domain in which Kueue places both trainers; its ResourceFlavor needs a topology'),
});

const service = {
  type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).describe('of the Service'),
  annotations: Texts.describe('of the Service'),
};

const {
  runs: _runs,
  alone: _alone,
  listen: _listen,
  http: _http,
  hosts: _hosts,
  oidc: _oidc,
  ...servingSettings
} = ServingConfig.shape;

const orchestratorSettings = OrchestratorConfig.shape;
const modelSettings = modelServiceConfig('anchor').shape;

/** Values of other charts, which are refused with the name that they have here: `trikd.misplaced` in the templates. */
export const MISPLACED = [
  'affinity',
  'nameOverride',
  'nodeSelector',
  'replicaCount',
  'resources',
  'service',
  'serviceMonitor',
  'tolerations',
] as const;

export const ChartValues = z.strictObject({
  fullnameOverride: Name.describe('start of all names; empty: the name of the release'),
  commonLabels: Texts.describe('labels of all objects'),
  image: Image.describe('of all services'),
  imagePullSecrets: z.array(Name).describe('names of Secrets, which have to exist in both namespaces'),
  bindAddress: Text.describe('address on which all servers of a pod listen; with IPv6 only: `[::]`'),
  orchestrator: z.strictObject({
    replicas: z.int().min(0).describe('one leads; the others answer reads, accept runs and take over'),
    resources: Resources.describe('of the container'),
    podDisruptionBudget: z.strictObject({
      enabled: z.boolean().describe('whether a drained node waits for the next replica'),
      maxUnavailable: Quantity.describe('replicas that may be away at once'),
    }),
    ...scheduling,
    topologySpreadConstraints: listOfKubernetes('of the replicas'),
    ...ofPods,
    extraContainers: listOfKubernetes('beside the orchestrator, such as a proxy that logs people in for the dashboard'),
    scratch: Quantity.describe(
      'room for the events of runs that are driven here, and as much again for temporary files',
    ),
    service: z.strictObject({
      ...service,
      grpcPort: Port.describe('of RunService'),
      httpPort: Port.describe('of the dashboard'),
      httpTargetPort: z.union([Name, Port]).describe('port of the pods behind it, such as that of a proxy'),
    }),
    config: z
      .strictObject({
        queue: orchestratorSettings.queue,
        keepCheckpoints: orchestratorSettings.keepCheckpoints,
        retries: orchestratorSettings.retries,
        times: orchestratorSettings.times,
        numerics: orchestratorSettings.numerics,
        limits: orchestratorSettings.limits,
        audit: orchestratorSettings.audit,
        log: orchestratorSettings.log,
      })
      .describe('further settings, as docs/configuration.md lists them'),
  }),
  runs: z.strictObject({
    namespace: Name.describe('of the JobSets; empty: NAMESPACE-runs'),
    createNamespace: z.boolean().describe('whether the chart creates it, with the restricted Pod Security Standard'),
    createServiceAccounts: z.boolean().describe('whether the chart creates those of the three model services there'),
    class: z
      .union([LabelValue, z.literal('')])
      .describe('of runs that name none; may be empty if there is only one class'),
    most: z.int().positive().describe('JobSets at once; more runs wait in the queue of trikd'),
    scratch: Quantity.describe('room for temporary files in each pod, for /tmp and for /var/lib/trikd'),
    config: z
      .strictObject({
        drainSeconds: modelSettings.drainSeconds,
        limits: modelSettings.limits,
        log: modelSettings.log,
      })
      .describe('further settings of the model services, as docs/configuration.md lists them'),
  }),
  classes: z.record(LabelValue, RunClass).describe('templates of the JobSet of a run'),
  datasets: z
    .record(
      DatasetName,
      z.strictObject({
        volume: ofKubernetes('source of a volume; absent: the image contains the data').optional(),
        subPath: Text.optional().describe('folder in the volume'),
      }),
    )
    .describe('data that runs may name, each at /data/NAME'),
  endpoints: z
    .record(
      DatasetName,
      EndpointConfig.extend({
        existingSecret: Name.optional().describe(
          'Secret in the namespace of the runs with the files of tls and token, at /etc/trikd/endpoints/NAME',
        ),
      }),
    )
    .describe('servers of the Open Inference Protocol whose models runs may name'),
  weights: z
    .record(
      DatasetName,
      z.strictObject({
        file: Text.describe('its path in the volume: a safetensors file, or model.json'),
        volume: ofKubernetes('source of a volume; absent: the image contains the file').optional(),
        subPath: Text.optional().describe('folder in the volume'),
      }),
    )
    .describe('files with params that runs may name, each at /weights/NAME'),
  admission: AdmissionLimits.describe('limits on what the spec of a run may allocate, the same for all services'),
  serving: z.strictObject({
    enabled: z.boolean().describe('whether there are servers of models'),
    runs: z.array(Text).describe('names of the runs whose models they serve'),
    replicas: z.int().min(0).describe('of them; with an autoscaler the fewest'),
    autoscaler: z.strictObject({
      enabled: z.boolean().describe('whether replicas are added by the images that wait'),
      maxReplicas: z.int().positive().describe('of them, at most'),
      waitingImages: Quantity.describe('in a replica, on average'),
      metric: Text.describe('trikd.inference.queue.rows, by the name that your adapter for metrics of pods gives it'),
    }),
    resources: Resources.describe('of the container'),
    podDisruptionBudget: z.strictObject({
      enabled: z.boolean().describe('whether a drained node waits for the next replica'),
      maxUnavailable: Quantity.describe('replicas that may be away at once'),
    }),
    ...scheduling,
    ...ofPods,
    service: z.strictObject({
      ...service,
      grpcPort: Port.describe('of the Open Inference Protocol over gRPC'),
      httpPort: Port.describe('of its form in HTTP and JSON'),
    }),
    http: z.strictObject({
      exposed: z.boolean().describe('whether HTTP, which speaks plain text, listens for the cluster'),
      anonymous: z.boolean().describe('allows that without OIDC: everybody who reaches it may ask the models'),
      hosts: z.array(Text).describe('names under which clients reach it, besides those of the Service'),
    }),
    clients: listOfKubernetes('who may call them'),
    storeSecret: Name.describe(
      'Secret of a user with the rights of deploy/minio/serving.json, in the namespace of the runs',
    ),
    dnsNames: z.array(Text).describe('further names in their certificate, if cert-manager makes it'),
    config: z
      .strictObject(servingSettings)
      .partial()
      .describe('further settings of `serving`, as docs/configuration.md lists them'),
  }),
  kueue: z.strictObject({
    enabled: z.boolean().describe('whether JobSets wait in a queue of Kueue'),
    queue: LabelValue.describe('LocalQueue of runs that name none'),
    priorityClasses: z
      .array(
        z.strictObject({
          from: z.int().min(-100).max(100).describe('lowest priority of its runs'),
          name: LabelValue.describe('WorkloadPriorityClass'),
          value: z.int().optional().describe('its value, if the chart creates it'),
        }),
      )
      .describe('by the priority of a run'),
    createQueues: z.boolean().describe('whether the chart creates flavor, queues and priority classes'),
    quota: Quantities.describe('of the ClusterQueue, for every resource that the pods of the classes request'),
    preemption: z.enum(['Never', 'LowerPriority']).describe('whether runs of a higher priority class displace others'),
    nodeLabels: Texts.describe('of the nodes of the ResourceFlavor'),
  }),
  tls: z.strictObject({
    trustDomain: TrustDomain.describe('in the names of certificates: spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/SERVICE'),
    connectionAge: z.int().positive().describe('seconds after which clients show their certificate again'),
    existingSecrets: z.strictObject({
      orchestrator: Name.describe('Secret with tls.crt, tls.key and ca.crt, in the namespace of the release'),
      anchorServer: Name.describe('likewise, in the namespace of the runs'),
      teacherTrainer: Name.describe('likewise, in the namespace of the runs'),
      studentTrainer: Name.describe('likewise, in the namespace of the runs'),
    }),
    certManager: z.strictObject({
      enabled: z.boolean().describe('whether cert-manager makes the certificates'),
      issuerRef: z.strictObject({
        name: Name.describe('issuer that signs them'),
        kind: Text.describe('an Issuer would be needed in both namespaces'),
        group: Text.describe('of its API'),
      }),
      duration: Duration.describe('for which they are valid'),
      renewBefore: Duration.describe('their end'),
      dnsNames: z.array(Text).describe('further names under which clients call the orchestrator'),
    }),
    plaintext: z.boolean().describe('no certificates: everybody who can connect may do everything'),
  }),
  oidc: z.strictObject({
    issuers: OidcConfig.describe(
      'OpenID providers, as `oidc` in docs/configuration.md; none: clients need a certificate',
    ),
    caConfigMap: Name.describe('ConfigMap with ca.crt, for providers with a private certificate authority'),
  }),
  dashboard: z.strictObject({
    enabled: z.boolean().describe('whether there is one'),
    exposed: z
      .boolean()
      .describe('whether it listens for the cluster; otherwise for port-forward and for a proxy beside it'),
    anonymous: z
      .boolean()
      .describe('allows an exposed dashboard without OIDC: everybody who reaches it may do everything'),
    hosts: z.array(Text).describe('names under which browsers reach it, besides those of ingress and of the Service'),
  }),
  store: z.strictObject({
    endpoint: Url.describe('of an S3 server with conditional writes'),
    bucket: Text.describe('must exist'),
    region: Text.describe('of the bucket'),
    prefix: Text.describe('start of all keys, for a bucket that others use too'),
    existingSecrets: z.strictObject({
      orchestrator: Name.describe('Secret with accessKey and secretKey, in the namespace of the release'),
      trainer: Name.describe('likewise, in the namespace of the runs'),
      anchorServer: Name.describe('likewise, in the namespace of the runs'),
    }),
    caConfigMap: Name.describe('ConfigMap with ca.crt in both namespaces, for a private certificate authority'),
  }),
  minio: z.strictObject({
    enabled: z.boolean().describe('a MinIO for trials, with one drive and without TLS'),
    image: Image.describe('of MinIO'),
    password: Text.describe('of the user trikd, who may do everything'),
    existingClaim: Name.describe('PersistentVolumeClaim of the drive; empty: lost with the pod'),
    size: Quantity.describe('of a drive without a claim'),
    resources: Resources.describe('of the container'),
  }),
  telemetry: z.strictObject({
    endpoint: Url.describe('of an OTLP receiver; empty: none'),
    protocol: z.enum(['grpc', 'http/protobuf']).describe('of OTLP'),
    everySteps: z
      .int()
      .min(0)
      .describe('traces every Nth step, and every Nth request for served models whose caller has no trace; 0: none'),
    env: listOfKubernetes('further OTEL_* variables of all services'),
  }),
  monitoring: z.strictObject({
    labels: Texts.describe('by which Prometheus and Grafana find the objects'),
    prometheusRule: z.strictObject({ enabled: z.boolean().describe('the alerts of deploy/alerts.yaml') }),
    grafanaDashboard: z.strictObject({
      enabled: z.boolean().describe('a ConfigMap with the dashboard of deploy/grafana'),
      labels: Texts.describe('of the ConfigMap'),
    }),
    serviceMonitor: z.strictObject({
      enabled: z.boolean().describe('scrapes the Prometheus exporter of your collector; the services push'),
      selector: Texts.describe('labels of the Service of the collector'),
      namespace: Name.describe('of that Service; empty: that of the release'),
      port: Text.describe('name of its port'),
      interval: Duration.describe('between two scrapes'),
    }),
  }),
  networkPolicy: z.strictObject({
    enabled: z.boolean().describe('default deny, and what the services need'),
    clients: listOfKubernetes('who may call RunService and the dashboard'),
    dns: listOfKubernetes('where DNS is; empty, here and below: anywhere, on its port'),
    store: listOfKubernetes('where the store is'),
    otlp: listOfKubernetes('where the OTLP receiver is'),
    oidc: listOfKubernetes('where the OpenID providers are'),
    endpoints: listOfKubernetes('where the servers of `endpoints` are'),
    apiServer: listOfKubernetes('where the API server is'),
    apiServerPorts: z.array(Port).describe('of the API server, behind its Service too'),
  }),
  ingress: z.strictObject({
    enabled: z.boolean().describe('whether there is one'),
    className: Name.describe('IngressClass'),
    grpc: z.strictObject({
      host: Name.describe('of RunService; empty: none'),
      tlsSecret: Name.describe('Secret with the certificate of the host'),
      annotations: Texts.describe('such as those that choose gRPC over TLS to the pods'),
    }),
    dashboard: z.strictObject({
      host: Name.describe('of the dashboard, which has to be exposed; empty: none'),
      tlsSecret: Name.describe('Secret with the certificate of the host'),
      annotations: Texts.describe('such as those of a proxy that logs people in'),
    }),
  }),
  gateway: z.strictObject({
    enabled: z.boolean().describe('a GRPCRoute for RunService'),
    parentRefs: listOfKubernetes('the Gateways'),
    hostnames: z.array(Text).describe('of the route'),
    backendCaConfigMap: Name.describe('ConfigMap with ca.crt, by which the gateway checks the orchestrator'),
  }),
  tests: z.strictObject({
    tokenSecret: Name.describe(
      'Secret with a bearer token in the key token; empty: the certificate of the orchestrator',
    ),
    run: z.boolean().describe('whether `helm test` trains a tiny run to its end'),
    timeout: z.int().positive().describe('seconds for each test'),
    resources: Resources.describe('of the container of a test'),
  }),
  extraObjects: z
    .array(z.union([z.string(), z.record(z.string(), z.unknown())]))
    .describe('further objects, as maps or as texts with templates'),
});
