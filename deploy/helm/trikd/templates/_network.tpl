{{/* Anywhere but the metadata service of a cloud. Some networks match pods by selector only, never by address. */}}
{{- define "trikd.anywhere" -}}
- ipBlock: { cidr: 0.0.0.0/0, except: [169.254.169.254/32] }
- ipBlock: { cidr: '::/0', except: ['fd00:ec2::254/128'] }
- namespaceSelector: {}
{{- end -}}

{{/* Peers of a value, or anywhere. */}}
{{- define "trikd.peers" -}}
{{- if . -}}
{{ toYaml . }}
{{- else -}}
{{ include "trikd.anywhere" . }}
{{- end -}}
{{- end -}}

{{/* Port of a URL. */}}
{{- define "trikd.portOf" -}}
{{- $url := urlParse . -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) -}}
{{- default (ternary "80" "443" (eq $url.scheme "http")) $port -}}
{{- end -}}

{{/* Egress of every service: DNS, the store, telemetry. */}}
{{- define "trikd.commonEgress" -}}
- to:
    {{- include "trikd.peers" .Values.networkPolicy.dns | nindent 4 }}
  ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
- to:
    {{- if .Values.minio.enabled }}
    - namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: {{ .Release.Namespace }} } }
      podSelector: { matchLabels: { app.kubernetes.io/instance: {{ .Release.Name }}, app.kubernetes.io/component: minio } }
    {{- else }}
    {{- include "trikd.peers" .Values.networkPolicy.store | nindent 4 }}
    {{- end }}
  ports: [{ port: {{ include "trikd.portOf" (include "trikd.storeEndpoint" .) }}, protocol: TCP }]
{{- with .Values.telemetry.endpoint }}
- to:
    {{- include "trikd.peers" $.Values.networkPolicy.otlp | nindent 4 }}
  ports: [{ port: {{ include "trikd.portOf" . }}, protocol: TCP }]
{{- end }}
{{- end -}}

{{/* The orchestrators, seen from the namespace of the runs. */}}
{{- define "trikd.orchestrators" -}}
- namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: {{ .Release.Namespace }} } }
  podSelector: { matchLabels: { app.kubernetes.io/instance: {{ .Release.Name }}, app.kubernetes.io/component: orchestrator } }
{{- end -}}

{{/* Pods of runs in their own namespace. Takes a dict of `root` and `roles`. */}}
{{- define "trikd.models" -}}
podSelector:
  matchLabels: { app.kubernetes.io/instance: {{ .root.Release.Name }} }
  matchExpressions: [{ key: trikd.dev/role, operator: In, values: [{{ join ", " .roles }}] }]
{{- end -}}

{{/*
Policy of the pods of one role: `callers` are the roles that read its logits, `callees` those whose logits it reads. A trainer also trains
replicas in pods of its own role. The roles and what they may call are those of packages/transport/src/access/policy.ts.
*/}}
{{- define "trikd.modelPolicy" -}}
{{- $root := .root -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "trikd.fullname" $root }}-{{ .role }}
  namespace: {{ include "trikd.runsNamespace" $root }}
  labels:
    {{- include "trikd.labels" (dict "root" $root "component" .role) | nindent 4 }}
spec:
  {{- include "trikd.models" (dict "root" $root "roles" (list .role)) | nindent 2 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        {{- include "trikd.orchestrators" $root | nindent 8 }}
        - {{ include "trikd.models" (dict "root" $root "roles" .callers) | nindent 10 | trim }}
      ports: [{ port: 50051, protocol: TCP }]
  egress:
    {{- with .callees }}
    - to:
        - {{ include "trikd.models" (dict "root" $root "roles" .) | nindent 10 | trim }}
      ports: [{ port: 50051, protocol: TCP }]
    {{- end }}
    {{- if and (eq .role "anchor") $root.Values.endpoints }}
    - to:
        {{- include "trikd.peers" $root.Values.networkPolicy.endpoints | nindent 8 }}
      ports:
        {{- range include "trikd.endpointPorts" $root | fromYamlArray }}
        - { port: {{ . }}, protocol: TCP }
        {{- end }}
    {{- end }}
    {{- include "trikd.commonEgress" $root | nindent 4 }}
{{- end -}}

{{/* Ports of the servers whose models runs may name, each once. */}}
{{- define "trikd.endpointPorts" -}}
{{- $ports := list -}}
{{- range .Values.endpoints -}}
{{- $ports = append $ports (regexFind "[0-9]+$" .address | int) -}}
{{- end -}}
{{- $ports | uniq | toYaml -}}
{{- end -}}

{{/* Whether something listens for the cluster behind the port http: the dashboard, or a proxy before it. */}}
{{- define "trikd.dashboardIsReachable" -}}
{{- $behindProxy := ne (toString .Values.orchestrator.service.httpTargetPort) "http" -}}
{{- if and .Values.dashboard.enabled (or .Values.dashboard.exposed $behindProxy) }}yes{{ end -}}
{{- end -}}
