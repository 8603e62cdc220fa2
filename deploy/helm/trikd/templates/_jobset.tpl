{{/*
The JobSet of a run in a class. Takes a dict of `root` and `class`. The orchestrator adds the name, the namespace, the labels of the run,
and the queue, and gives a role as many pods as its learner has replicas.
*/}}
{{- define "trikd.jobset" -}}
apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
metadata:
  labels:
    app.kubernetes.io/name: trikd
    {{- with .root.Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  # Models learn addresses from their assignment.
  network: { enableDNSHostnames: false }
  replicatedJobs:
    {{- range $role, $service := dict "teacher" "teacher-trainer" "student" "student-trainer" "anchor" "anchor-server" }}
    - name: {{ $role }}
      replicas: 1
      template:
        spec:
          parallelism: 1
          completions: 1
          # A container that ends is started again; the orchestrator alone decides when a run has failed.
          backoffLimit: 2147483647
          template:
            {{- include "trikd.modelPod" (dict "root" $.root "class" $.class "role" $role "service" $service) | nindent 12 }}
    {{- end }}
{{- end -}}

{{/* The pod of a model. Takes a dict of `root`, `class`, `role` and `service`. */}}
{{- define "trikd.modelPod" -}}
{{- $values := .root.Values -}}
{{- $class := .class -}}
{{- $own := default dict (index $class .role) -}}
metadata:
  labels:
    app.kubernetes.io/name: trikd
    app.kubernetes.io/component: {{ .service }}
    trikd.dev/role: {{ .role }}
    {{- with merge (deepCopy (default dict $class.podLabels)) $values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # A run keeps its configuration, as its image, until its next JobSet: a container of an older version is not started with a newer one.
    trikd.dev/config: |
      {{- include "trikd.modelConfig" (dict "root" .root "role" .role) | nindent 6 }}
    {{- with merge (deepCopy (default dict $class.podAnnotations)) (include "trikd.topology" . | fromYaml) }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  restartPolicy: OnFailure
  serviceAccountName: {{ .service }}
  automountServiceAccountToken: false
  # Variables such as TRIKD_ORCHESTRATOR_PORT would be settings that there are not.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "trikd.grace" .root }}
  {{- with include "trikd.pullSecrets" .root }}
  imagePullSecrets: {{- . | trim | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "trikd.podSecurity" . | nindent 4 }}
  {{- with $class.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $class.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- with default $class.nodeSelector $own.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with default $class.tolerations $own.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with merge (deepCopy (default dict (default $class.affinity $own.affinity))) (include "trikd.nearTrainers" . | fromYaml) }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .service }}
      image: {{ include "trikd.serviceImage" (dict "root" .root "image" $class.image) }}
      imagePullPolicy: {{ default $values.image.pullPolicy (default dict $class.image).pullPolicy }}
      command: [/usr/local/bin/node, /app/services/{{ .service }}/dist/main.js]
      env:
        {{- include "trikd.env" .root | nindent 8 }}
        {{- with $class.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - { name: grpc, containerPort: 50051 }
        - { name: health, containerPort: 50052 }
      {{- include "trikd.probes" . | nindent 6 }}
      {{- if eq .role "anchor" }}
      # All three are asked to end at once when a JobSet is suspended: the anchor answers until both trainers rest at a pair.
      lifecycle: { preStop: { sleep: { seconds: {{ include "trikd.anchorLinger" .root }} } } }
      {{- end }}
      # The last lines of its log are in the status of the pod, and so in the condition of the run.
      terminationMessagePolicy: FallbackToLogsOnError
      {{- with $own.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- include "trikd.containerSecurity" . | nindent 8 }}
      volumeMounts:
        {{- include "trikd.mounts" .root | nindent 8 }}
        {{- range $name, $data := $values.datasets }}
        {{- if $data.volume }}
        - { name: data-{{ $name | trunc 58 }}, mountPath: /data/{{ $name }}, readOnly: true{{ with $data.subPath }}, subPath: {{ . }}{{ end }} }
        {{- end }}
        {{- end }}
        {{- range $name, $weights := $values.weights }}
        {{- if $weights.volume }}
        - { name: weights-{{ $name | trunc 55 }}, mountPath: /weights/{{ $name }}, readOnly: true{{ with $weights.subPath }}, subPath: {{ . }}{{ end }} }
        {{- end }}
        {{- end }}
        {{- range $name, $endpoint := ternary $values.endpoints dict (eq .role "anchor") }}
        {{- if $endpoint.existingSecret }}
        - { name: endpoint-{{ $name | trunc 54 }}, mountPath: /etc/trikd/endpoints/{{ $name }}, readOnly: true }
        {{- end }}
        {{- end }}
        {{- with $class.volumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      downwardAPI: { items: [{ path: config.yaml, fieldRef: { fieldPath: "metadata.annotations['trikd.dev/config']" } }] }
    {{- $store := ternary "anchor-server" "trainer" (eq .role "anchor") }}
    {{- $common := dict "root" .root "service" .service "role" $store "scratch" $values.runs.scratch }}
    {{- include "trikd.volumes" $common | nindent 4 }}
    {{- range $name, $data := $values.datasets }}
    {{- with $data.volume }}
    - name: data-{{ $name | trunc 58 }}
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- end }}
    {{- range $name, $weights := $values.weights }}
    {{- with $weights.volume }}
    - name: weights-{{ $name | trunc 55 }}
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- end }}
    {{- range $name, $endpoint := ternary $values.endpoints dict (eq .role "anchor") }}
    {{- with $endpoint.existingSecret }}
    - name: endpoint-{{ $name | trunc 54 }}
      secret: { secretName: {{ . }}, defaultMode: 288 }
    {{- end }}
    {{- end }}
    {{- with $class.volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* Annotations that make Kueue place both trainers in one domain of a topology. A group has exactly two pod sets. */}}
{{- define "trikd.topology" -}}
{{- if and .class.topology (ne .role "anchor") -}}
kueue.x-k8s.io/podset-group-name: trainers
{{- with .class.topology.required }}
kueue.x-k8s.io/podset-required-topology: {{ . }}
{{- end }}
{{- with .class.topology.preferred }}
kueue.x-k8s.io/podset-preferred-topology: {{ . }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* The anchor prefers a node with a trainer of its own run. */}}
{{- define "trikd.nearTrainers" -}}
{{- if eq .role "anchor" -}}
podAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchExpressions:
            - { key: trikd.dev/role, operator: In, values: [teacher, student] }
        matchLabelKeys: [trikd.dev/run, trikd.dev/placement]
{{- end -}}
{{- end -}}

{{/* The template of each class, as files of a ConfigMap. */}}
{{- define "trikd.placement" -}}
{{- range $name, $class := .Values.classes }}
{{ $name }}.yaml: |
  {{- include "trikd.jobset" (dict "root" $ "class" $class) | nindent 2 }}
{{- end }}
{{- end -}}
