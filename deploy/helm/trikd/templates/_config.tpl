{{/* Section `store` of all services. */}}
{{- define "trikd.storeConfig" -}}
kind: s3
endpoint: {{ include "trikd.storeEndpoint" . }}
bucket: {{ .Values.store.bucket }}
region: {{ .Values.store.region }}
{{- with .Values.store.prefix }}
prefix: {{ . }}
{{- end }}
accessKeyFile: /etc/trikd/store/accessKey
secretKeyFile: /etc/trikd/store/secretKey
{{- end -}}

{{- define "trikd.storeEndpoint" -}}
{{- if .Values.minio.enabled -}}
http://{{ include "trikd.fullname" . }}-minio.{{ .Release.Namespace }}.svc:9000
{{- else -}}
{{ .Values.store.endpoint }}
{{- end -}}
{{- end -}}

{{/* What the configurations of all services have in common. */}}
{{- define "trikd.commonConfig" -}}
listen: {{ printf "%s:50051" .Values.bindAddress | quote }}
health: { listen: {{ printf "%s:50052" .Values.bindAddress | quote }} }
{{- if .Values.tls.plaintext }}
plaintext: anywhere
{{- else }}
tls:
  cert: /etc/trikd/tls/tls.crt
  key: /etc/trikd/tls/tls.key
  ca: /etc/trikd/tls/ca.crt
  trustDomain: {{ .Values.tls.trustDomain }}
  connectionAge: {{ .Values.tls.connectionAge }}
{{- end }}
store:
  {{- include "trikd.storeConfig" . | nindent 2 }}
{{- with .Values.datasets }}
datasets:
  {{- range $name, $_ := . }}
  {{ $name }}: { folder: /data/{{ $name }} }
  {{- end }}
{{- end }}
{{- with .Values.weights }}
weights:
  {{- range $name, $weights := . }}
  {{ $name }}: { file: {{ printf "/weights/%s/%s" $name $weights.file | quote }} }
  {{- end }}
{{- end }}
{{- with .Values.admission }}
admission:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Configuration of the anchor-server or of a trainer. Takes a dict of `root` and `role`. */}}
{{- define "trikd.modelConfig" -}}
{{- $asks := ternary (include "trikd.endpointsConfig" .root | fromYaml) dict (eq .role "anchor") -}}
{{- mustMergeOverwrite (include "trikd.commonConfig" .root | fromYaml) $asks (deepCopy .root.Values.runs.config) | toYaml -}}
{{- end -}}

{{/* Section `endpoints` of the anchor-server, and of the orchestrator, which admits runs by its names. */}}
{{- define "trikd.endpointsConfig" -}}
{{- with .Values.endpoints }}
endpoints:
  {{- range $name, $endpoint := . }}
  {{ $name }}:
    {{- omit $endpoint "existingSecret" | toYaml | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Configuration of the orchestrator. */}}
{{- define "trikd.orchestratorConfig" -}}
{{- $own := include "trikd.ownOrchestratorConfig" . | fromYaml -}}
{{- mustMergeOverwrite (include "trikd.commonConfig" . | fromYaml) $own (deepCopy .Values.orchestrator.config) | toYaml -}}
{{- end -}}

{{- define "trikd.ownOrchestratorConfig" -}}
{{- include "trikd.endpointsConfig" . }}
events: /var/lib/trikd/events
{{- if and .Values.dashboard.enabled .Values.dashboard.exposed }}
# The dashboard speaks plain text; with certificates nothing else does.
plaintext: anywhere
{{- end }}
http:
  listen: {{ include "trikd.dashboardListen" . | quote }}
  hosts:
    {{- include "trikd.dashboardHosts" . | nindent 4 }}
  {{- if and .Values.serving.enabled .Values.dashboard.enabled }}
  inference: {{ include "trikd.servingHost" . }}:{{ .Values.serving.service.grpcPort }}
  {{- end }}
placement:
  kind: jobset
  namespace: {{ include "trikd.runsNamespace" . }}
  instance: {{ .Release.Name }}
  templates: /etc/trikd/placement
  most: {{ .Values.runs.most }}
  {{- with .Values.runs.class }}
  class: {{ . }}
  {{- end }}
  {{- if .Values.kueue.enabled }}
  queue: {{ .Values.kueue.queue }}
  {{- with .Values.kueue.priorityClasses }}
  priorityClasses:
    {{- range . }}
    - { from: {{ .from }}, name: {{ .name }} }
    {{- end }}
  {{- end }}
  {{- end }}
{{- with .Values.oidc.issuers }}
oidc:
  {{- range . }}
  - {{ include "trikd.issuer" (dict "issuer" . "ca" $.Values.oidc.caConfigMap) | nindent 4 | trim }}
  {{- end }}
{{- end }}
telemetry: { everySteps: {{ .Values.telemetry.everySteps }} }
{{- end -}}

{{- define "trikd.issuer" -}}
{{- $ca := ternary (dict "ca" "/etc/trikd/oidc/ca.crt") dict (ne .ca "") -}}
{{- merge (deepCopy .issuer) $ca | toYaml -}}
{{- end -}}

{{- define "trikd.dashboardListen" -}}
{{- if not .Values.dashboard.enabled -}}
{{- else if .Values.dashboard.exposed -}}
{{ .Values.bindAddress }}:8080
{{- else -}}
127.0.0.1:8080
{{- end -}}
{{- end -}}

{{- define "trikd.dashboardHosts" -}}
{{- $service := printf "%s-orchestrator" (include "trikd.fullname" .) -}}
{{- $own := list $service (printf "%s.%s" $service .Release.Namespace) (include "trikd.orchestratorHost" .) -}}
{{- concat .Values.dashboard.hosts (compact (list .Values.ingress.dashboard.host)) $own | uniq | toYaml -}}
{{- end -}}
